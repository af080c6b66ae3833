/** `npm run check`: types, lint, layers, dead code, settings page, unit and flow tests with small seeds. */
import { runAll } from './run.ts';

const bin = (name: string) => `node_modules/.bin/${name}`;

export const staticChecks = [
  { name: 'types', command: bin('tsc'), args: ['-p', '.'] },
  { name: 'lint', command: bin('biome'), args: ['check', '--error-on-warnings', '.'] },
  {
    name: 'layers',
    command: bin('depcruise'),
    args: ['--config', '.dependency-cruiser.mjs', 'src', 'sandbox', 'lab', 'web', 'test', 'tools', 'bench'],
  },
  { name: 'dead code', command: bin('knip'), args: [] },
  { name: 'settings page', command: process.execPath, args: ['tools/settings-doc.ts'] },
  { name: 'conformance page', command: process.execPath, args: ['tools/conformance.ts'] },
];

export const unitTests = (scale: number) => ({
  name: 'unit and flow tests',
  command: process.execPath,
  args: [
    '--test',
    '--test-timeout=120000',
    'src/**/*.test.ts',
    'sandbox/**/*.test.ts',
    'lab/**/*.test.ts',
    'web/**/*.test.ts',
    'test/flows/**/*.test.ts',
    'test/torture/**/*.test.ts',
  ],
  env: { LINESIDE_TEST_SCALE: String(scale), LINESIDE_LOG_LEVEL: 'error' },
});

if (import.meta.main) await runAll([...staticChecks, unitTests(1)]);
