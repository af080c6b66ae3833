/** Settings of emergency calls. TS 23.167. */
import { area, choice, integer, list, text } from './area.ts';

export const emergency = area('Emergency calls', {
  route: choice(
    'Where emergency calls go: `reject`, nowhere (501 to the client); `ecscf`, to `emergency.cscfs`; `scscf`, the way of any call of the number.',
    'reject',
    ['reject', 'ecscf', 'scscf'],
  ),
  cscfs: list('E-CSCFs in the order they are tried, host:port.'),
  numbers: list('Local emergency numbers, treated as urn:service:sos whatever the request says.', ['112', '911']),
  beyondQuota: integer(
    'Emergency calls a number may have at once although its quota of calls is used up; what bounds a stolen token.',
    4,
    1,
    100,
  ),
  attemptMs: integer('Time an E-CSCF has to say anything before the next one is tried.', 6000, 500, 32_000),
  drainMs: integer('After `ops.drainMs` emergency calls may go on for this long.', 600_000, 0, 3_600_000),
  resourcePriority: text('Resource-Priority of emergency calls, such as esnet.1; empty sends none. RFC 7135.'),
});
