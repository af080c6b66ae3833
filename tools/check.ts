/** `npm run check`: types, lint, layers, dead code, settings page, unit and flow tests with small seeds. */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
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

const files = (patterns: readonly string[]): string[] => patterns.flatMap(pattern => globSync(pattern)).sort();

/** Tests of what decides: no socket and no clock but their own, so a busy machine cannot make them fail. */
const pure = files([
  'src/{ep-cscf,sdp,config}/**/*.test.ts',
  'src/sip/*.test.ts',
  'src/sip/{message,transaction,auth,dialog,locate}/**/*.test.ts',
  'src/eims-agw/relay/{dtls,ice,srtp,stun}/**/*.test.ts',
  'test/torture/*.test.ts',
]);
const others = files(['{src,sandbox,lab,web,tools,bench}/**/*.test.ts', 'test/flows/**/*.test.ts']).filter(
  file => !file.includes('node_modules') && !pure.includes(file),
);

/** `scale`: how much the property tests and explorers play. Pure tests use all cores, the others leave one to spare. */
export const unitTests = (scale: number) => [
  testStep('pure tests', scale, [`--test-concurrency=${availableParallelism()}`, ...pure]),
  ...Object.entries(Object.groupBy(others, dirname)).map(([folder, inside = []]) =>
    // One process for a folder: to load the sources again for each file costs more than most files play.
    testStep(`tests in ${folder}`, scale, ['--test-isolation=none', ...inside]),
  ),
];

function testStep(name: string, scale: number, args: readonly string[]) {
  return {
    name,
    command: process.execPath,
    args: ['--test', '--test-timeout=120000', ...args],
    env: { LINESIDE_TEST_SCALE: String(scale), LINESIDE_LOG_LEVEL: 'error' },
  };
}

if (import.meta.main) await runAll([...staticChecks, ...unitTests(1)]);
