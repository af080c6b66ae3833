/** Settings of event delivery to https sinks. */
import { area, integer, list } from './area.ts';

export const sink = area('Event sinks', {
  allow: list('Hosts and CIDR prefixes that sinks may point at although they are private.'),
  ports: list('Ports a sink may use: numbers, or ranges such as 1024-65535.', ['443', '8443']),
  connectMs: integer('Time to connect.', 2000, 10),
  answerMs: integer('Time to answer.', 5000, 10),
  giveUpMs: integer('A session event is dropped when it could not be delivered for this long.', 30_000, 1000),
  giveUpEndMs: integer('The same for registration-ends and subscription-ended.', 600_000, 1000),
  queueLength: integer('Undelivered events kept for one subscription.', 256, 8),
});
