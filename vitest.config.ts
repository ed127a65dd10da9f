import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need a kernel of somebody else's, which .ci/run fetches.
    exclude: process.env.UNIVISOR_LINUX ? [] : ['test/linux/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: process.env.UNIVISOR_FORCE_REGIONS ? ['test/support/force-regions.ts'] : [],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
