/** How a foreground sandbox ends: once, in order, whoever asks first. */
import type { Sandbox } from './sandbox.ts';

/** Ends the process with 0 after SIGINT or SIGTERM, with 1 when the gateway has ended by itself. Ctrl-C reaches the gateway too: its end is then no fault. */
export function endOnSignal(sandbox: Sandbox): void {
  let ending = false;
  const end = (code: number) => {
    if (ending) return;
    ending = true;
    sandbox.close().then(
      () => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', () => end(0));
  process.on('SIGTERM', () => end(0));
  sandbox.gatewayEnded().then(code => {
    if (!ending)
      process.stderr.write(`The gateway has ended by itself (${code ?? 'by a signal'}); so does the sandbox.\n`);
    end(1);
  });
}
