// How the pages are built: into dist/, which the engine embeds. Nothing is loaded from elsewhere.
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

/** Where `npm run dev` finds the API: the mock server, or a running engine. */
const api = process.env.HOTLINE_API ?? 'http://127.0.0.1:8099'

export default defineConfig({
  plugins: [vue()],
  build: {
    // Desktops of the administration often run a Chromium that is years old.
    target: ['es2020', 'chrome87', 'firefox91', 'safari14'],
    // The content security policy allows data: for images only, so no font or script is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': api } },
  test: { include: ['src/**/*.test.ts'] },
})
