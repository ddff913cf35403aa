import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/support/still-running.ts'],
    // oclif's own output capture and vitest's interception get in each other's way.
    disableConsoleIntercept: true,
    // Only what hangs runs into these, or into a deadline of its own: no test is about speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Real daemons race on a busy machine: in CI such a test gets a second chance, which is reported.
    retry: process.env.CI ? 1 : 0,
    expect: { poll: { timeout: 60_000 } },
    // Two cores: many tests wait for a peer or a disk rather than compute.
    maxWorkers: 3,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'lcov'],
    },
  },
})
