/** The process: read the settings, build the gateway, listen, drain on SIGTERM. */
import { parseArgs } from 'node:util';
import { checkInstallation } from './config/installation.ts';
import { readSettings, type Settings, SettingsError } from './config/settings.ts';
import { createGateway, type Gateway } from './gateway.ts';
import { dryRunText } from './gateway-dry-run.ts';
import { createEndSignals, type EndStep } from './runtime/end-signal.ts';
import { startFault } from './runtime/start-fault.ts';

const USAGE = 'Usage: node src/main.ts [--config FILE] [--check | --dry-run +NUMBER | --help]';
const HELP = `${USAGE}

  --config FILE        settings in YAML; scalars also as LINESIDE_* in the environment (docs/settings.md)
  --check              say what is wrong with the settings, or that they are good; ask rtpengine daemons whether they can be used; start nothing
  --dry-run +NUMBER    print what that number would send to register and to call, and send nothing
  --help               print this

Without --check and --dry-run it runs until SIGTERM (drains) or SIGINT (ends at once); SIGHUP reads certificates and the secret of TURN servers again.
`;

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function readCommandLine(): { config: string | null; check: boolean; number: string | null; help: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        'dry-run': { type: 'string' },
      },
    });
    return { ...values, config: values.config ?? null, number: values['dry-run'] ?? null };
  } catch (error) {
    // Node's first sentence; file names have dots too.
    return fail(`${(error as Error).message.split(/\.(?= [A-Z])/)[0]}. ${USAGE}`);
  }
}

function settingsOf(config: string | null): Settings {
  try {
    return readSettings(config, process.env);
  } catch (error) {
    if (error instanceof SettingsError) return fail(error.message);
    throw error;
  }
}

/** SIGTERM drains, SIGINT (Ctrl-C) ends at once but in order, and so does the end of a parent process that started this one. SIGHUP reads certificates and the like again. */
function endOnSignal(gateway: Gateway): void {
  const signals = createEndSignals();
  const take = (step: EndStep | null) => {
    if (step === null) return;
    if (step === 'force') process.exit(1);
    gateway.close({ drain: step === 'drain' }).then(
      () => process.exit(0),
      error => fail(`Lineside did not end in order: ${(error as Error).message}`),
    );
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => take(signals.signal(name, performance.now())));
  }
  process.on('disconnect', () => take(signals.orphaned(performance.now())));
  // The channel to the parent may have closed before anybody listened.
  if (process.connected === false) take(signals.orphaned(performance.now()));
  process.on('SIGHUP', () => gateway.reload());
}

const { config, check, number, help } = readCommandLine();
if (help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const settings = settingsOf(config);
if (number !== null) {
  try {
    process.stdout.write(await dryRunText(settings, number));
    process.exit(0);
  } catch (error) {
    fail(startFault(error));
  }
}

try {
  checkInstallation(settings);
  if (check) {
    // All is built as for a start, the store in memory; nothing is opened.
    const gateway = await createGateway({ ...settings, store: { ...settings.store, kind: 'memory' } });
    const { faults, notes } = await gateway.check();
    for (const sentence of [...faults, ...notes]) process.stderr.write(`${sentence}\n`);
    if (faults.length > 0) process.exit(1);
    process.stdout.write('The settings are good.\n');
    process.exit(0);
  }
  const gateway = await createGateway(settings);
  endOnSignal(gateway);
  await gateway.start();
} catch (error) {
  fail(startFault(error));
}
