/** Settings of click to call: pools of numbers for the visitors of businesses, and what keeps abuse down. */
import { Type } from 'typebox';
import { area, integer } from './area.ts';

const pool = Type.Object(
  {
    /** What entry points name. */
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    /** client_ids that may call from it. */
    clients: Type.Array(Type.String(), { minItems: 1 }),
    /** Numbers, and ranges such as +15550108000-+15550108009. */
    numbers: Type.Array(Type.String(), { minItems: 1 }),
    /** Who is called when somebody calls a leased number (302); without it they get 480. */
    mainNumber: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

export const clickToCall = area('Click to call: calls of anonymous visitors', {
  pools: Type.Array(pool, {
    default: [],
    description:
      'Pools of numbers, each with `id`, `clients` (client_ids), `numbers` (single ones, and ranges such as +15550108000-+15550108009) and `mainNumber`, who is called when somebody calls a leased number (left out: 480).',
  }),
  quarantineMs: integer('Rest of a leased number after the network has let go of it.', 60_000, 1000, 86_400_000),
  numbersPerAddress: integer(
    'Numbers of a pool that visitors of one source address may have at once: in calls, and resting after them.',
    3,
    1,
    10_000,
  ),
  startMs: integer('Time a visitor token gives to start its call.', 120_000, 10_000, 600_000),
  maxDurationS: integer('Longest call by an entry point that names no limit of its own.', 900, 30, 3600),
  tokensPerAddress: integer('Visitor tokens that one source address may ask for in a minute.', 10, 1, 6000),
  workBits: integer('Leading zero bits of the proof of work, without a crowd; each bit doubles the work.', 16, 1, 24),
  workBitsMax: integer('The most it is raised to for an address or an entry point that is busy.', 22, 1, 28),
  solveMs: integer('Time to do the work.', 120_000, 10_000, 600_000),
  entryPointsPerClient: integer('Entry points of one client_id.', 100, 1, 1000),
});
