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
});
