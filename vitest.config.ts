import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // oclif's own output capture and vitest's interception get in each other's way.
    disableConsoleIntercept: true,
    // Real processes on a busy machine: one that fails twice is broken, and both are reported.
    retry: process.env.CI ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: many tests wait for a peer or a disk rather than compute.
    maxWorkers: 3,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'lcov'],
    },
  },
})
