import { defineConfig } from 'vitest/config'

// Only what hangs runs into these, or into a deadline of its own: no test is about speed.
const DEADLINES = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
}

// oclif's own output capture and vitest's interception get in each other's way.
// No test leaves a trace in its process, so files share some: modules load once.
const COMMON = { ...DEADLINES, disableConsoleIntercept: true, isolate: false }

export default defineConfig({
  test: {
    reporters: ['default', './test/support/still-running.ts'],
    // Two cores: many tests wait for a peer or a disk rather than compute.
    maxWorkers: 4,
    projects: [
      {
        test: {
          ...COMMON,
          name: 'unit',
          // Some use the real disk and processes too, and share theirs with others.
          retry: process.env.CI ? 1 : 0,
          include: ['test/{unit,property}/**/*.test.ts'],
        },
      },
      {
        test: {
          ...COMMON,
          name: 'system',
          include: ['test/{command,fault,interop}/**/*.test.ts'],
          // Real daemons race on a busy machine: in CI such a test gets a second chance, which is reported.
          retry: process.env.CI ? 1 : 0,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'lcov'],
    },
  },
})
