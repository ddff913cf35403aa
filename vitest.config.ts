import { defineConfig } from 'vitest/config'
import { LONG } from './test/long.js'

// Only what hangs runs into these, or into a deadline of its own: no test is about speed.
const DEADLINES = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
}

const PROJECT = {
  ...DEADLINES,
  // oclif's own output capture and vitest's interception get in each other's way.
  disableConsoleIntercept: true,
  // No test leaves a trace in its process, so files share some: modules load once.
  isolate: false,
  // Daemons, disks and processes race on a busy machine: in CI a second chance, which is reported.
  retry: process.env.CI ? 1 : 0,
}

export default defineConfig({
  test: {
    reporters: ['default', './test/support/still-running.ts'],
    // Two cores: many tests wait for a peer or a disk rather than compute.
    maxWorkers: 4,
    // One project for all kinds of tests, because each transforms and loads the sources by itself.
    projects: [
      {
        test: { ...PROJECT, name: 'tests', include: ['test/**/*.test.ts'], exclude: LONG },
      },
      {
        test: { ...PROJECT, name: 'long', include: LONG },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'lcov'],
    },
  },
})
