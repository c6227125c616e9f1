import { defineConfig } from 'vitest/config'

const architecture = 'test/architecture.test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', architecture],
          // They share what is imported: half of the time goes there otherwise.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [architecture, '**/node_modules/**'],
          globalSetup: 'test/servers/global-setup.ts',
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Real servers on a machine that does other work, too. What needs another try is named at the end, and why.
          retry: process.env.CI ? 2 : 0,
          expect: { poll: { timeout: 15_000 } },
          // After the quick ones: a project with limits of its own is a group of its own.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
