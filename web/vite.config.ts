/** How the pages are built: no inline code, hashed assets; and the button of click to call, one file under one name. */
import { defineConfig } from 'vite';

/** `--mode button` builds the button beside the pages. */
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  base: '/',
  logLevel: 'error',
  clearScreen: false,
  build: {
    outDir: 'dist',
    target: 'es2022',
    // Those that know light-dark(), by which the button follows its page.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    ...(mode === 'button'
      ? {
          emptyOutDir: false,
          cssMinify: true,
          rolldownOptions: { output: { minify: true } },
          lib: { entry: 'elements/lineside-call.ts', formats: ['es' as const], fileName: () => 'click-to-call.js' },
        }
      : { emptyOutDir: true, rolldownOptions: { input: { softphone: 'softphone/index.html' } } }),
  },
}));
