/**
 * Child process of the bench: a whole gateway whose media engine carries nothing. Settings come as JSON in the first argument. Any message
 * is answered with what its objects take, in kB, once garbage is collected; needs `--expose-gc`.
 */
import { checkSettings } from '../../src/config/settings.ts';
import { createGateway } from '../../src/gateway.ts';
import { nullEngine } from './null-engine.ts';

const settings = checkSettings(JSON.parse(process.argv[2] ?? '{}'));
const gateway = await createGateway(settings, { engine: onEvent => nullEngine(onEvent, settings.media.webHost) });
await gateway.start();
process.on('disconnect', () => {
  void gateway.close({ drain: false }).then(() => process.exit(0));
});
process.on('message', () => {
  // What the first round only makes collectable goes with the second.
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed / 1024);
});
process.send?.('ready');
