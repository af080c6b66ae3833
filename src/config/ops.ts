/** Settings of the operations listener and of logs. */
import { area, choice, integer, text } from './area.ts';

export const ops = area('Operations listener', {
  host: text('Address of /livez, /readyz and /metrics. Keep it private.', '127.0.0.1'),
  port: integer('Port of the operations listener; 0 lets the system choose.', 9093, 0, 65535),
  drainMs: integer(
    'On SIGTERM live calls may go on for this long; emergency calls for `emergency.drainMs` more.',
    30_000,
    0,
  ),
});

export const log = area('Logs', {
  level: choice('Least severe level written.', 'info', ['debug', 'info', 'warn', 'error']),
  numbers: choice('Telephone numbers in logs: masked, or in full.', 'masked', ['masked', 'full']),
});
