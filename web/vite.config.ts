// The page's build: one folder of hashed files, no inline script or style, so that the strict policy holds.

import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // light-dark() must reach the browser as it is (Chrome 123, Firefox 120, Safari 17.5).
    target: ['chrome123', 'firefox120', 'safari17.5'],
    reportCompressedSize: true,
  },
})
