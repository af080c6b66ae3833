/** Settings of CAMARA registrations. */
import { area, integer } from './area.ts';

export const registration = area('Registrations', {
  ttlMinMs: integer('Shortest life a client may ask for.', 60_000, 1000),
  ttlDefaultMs: integer('Life when the client names none.', 3_600_000, 1000),
  ttlMaxMs: integer('Longest life.', 86_400_000, 1000),
  devicesPerUser: integer('Distinct devices of one user.', 10, 1),
  perNumber: integer('Registrations of one number.', 10, 1),
  perUser: integer('Registrations of one user.', 20, 1),
  networkBudgetMs: integer('How long a POST waits for the network’s REGISTER.', 10_000, 100),
  backOffBaseMs: integer(
    'After a failed refresh the next try comes within this, and within twice as long after each further one (RFC 5626 4.5). A longer Retry-After wins.',
    30_000,
    1000,
    1_800_000,
  ),
  backOffMaxMs: integer('Longest time between two tries.', 1_800_000, 1000, 86_400_000),
  backOffJitterPercent: integer(
    'Share of that time that is left to chance, a Retry-After likewise, so that not all come back at once.',
    50,
    0,
    100,
  ),
});
