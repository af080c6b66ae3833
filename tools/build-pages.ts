/** Builds the pages when the built ones are older than their sources; says one sentence when that fails. */
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const WEB = join(import.meta.dirname, '..', 'web');
/** What is built last. */
const BUILT = join(WEB, 'dist', 'click-to-call.js');

/** True when a source is newer than the built pages, or there are none. */
export function pagesAreStale(web = WEB, built = BUILT): boolean {
  const builtAt = statSync(built, { throwIfNoEntry: false })?.mtimeMs;
  if (builtAt === undefined) return true;
  const sources = globSync('{client,elements,softphone,sound}/**/*.{ts,html,css,svg}', { cwd: web });
  return [...sources, 'vite.config.ts'].some(source => statSync(join(web, source)).mtimeMs > builtAt);
}

export async function buildPages(): Promise<void> {
  const { build } = await import('vite');
  const configFile = join(WEB, 'vite.config.ts');
  await build({ configFile });
  await build({ configFile, mode: 'button' });
  // Every visitor of every page loads it: packed once, as small as can be.
  const button = readFileSync(BUILT);
  writeFileSync(`${BUILT}.gz`, gzipSync(button, { level: 9 }));
  writeFileSync(`${BUILT}.br`, brotliCompressSync(button));
}

if (import.meta.main && pagesAreStale()) {
  try {
    await buildPages();
  } catch (error) {
    const [first] = String((error as Error).message ?? error).split('\n');
    console.error(`The pages could not be built: ${first}`);
    process.exitCode = 1;
  }
}
