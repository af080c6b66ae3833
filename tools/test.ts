/** `npm test`: everything. Installs missing Debian packages first when it may. */
import { staticChecks, unitTests } from './check.ts';
import { allSuites, runInterop } from './interop.ts';
import { ensurePackages } from './packages.ts';
import { runAll } from './run.ts';

ensurePackages();
await runAll([
  ...staticChecks,
  ...unitTests(5),
  { name: 'pages', command: process.execPath, args: ['tools/build-pages.ts'] },
  {
    name: 'endurance',
    command: process.execPath,
    args: ['--expose-gc', '--test', '--test-timeout=600000', 'test/endurance/*.test.ts'],
  },
]);
await runInterop(allSuites);
