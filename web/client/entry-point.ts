/** An entry point of click to call as its visitors see it: who is called, whether they take calls now, and the token for one call. */
import type { Environment } from './environment.ts';
import { CallingError, errorOfToken } from './errors.ts';
import type { Http } from './http.ts';
import { type Challenge, solve } from './proof.ts';

export interface EntryPoint {
  displayName: string;
  /** Whether calls are taken now. */
  open: boolean;
  /** When they are taken again, in ms since the epoch; null when they are, or nobody knows. */
  opensAt: number | null;
}

/** As `POST /visitor-tokens` answers it. */
export interface VisitorToken {
  visitorToken: string;
  /** ISO 8601 or ms since the epoch: by then the call must have begun. */
  expiresAt: string | number;
}

export interface Desk {
  /** Asks how things stand. Rejects with CallingError. */
  look(): Promise<EntryPoint>;
  /** A token for one call; work is done for it where the service asks for that. Rejects with CallingError, `closed` among them. */
  token(signal: AbortSignal): Promise<VisitorToken>;
  /** The last token was not used for a call: the next call gets it, as long as it is good. */
  takeBack(): void;
}

export interface DeskParts {
  /** Without access token. */
  http: Http;
  environment: Environment;
  /** Of the entry point, from the API root on. */
  path: string;
  /** The page's own way to a token. */
  ownToken: (() => Promise<VisitorToken>) | null;
}

interface Seen extends EntryPoint {
  challenge: (Challenge & { expiresAt: number }) | null;
}

/** A token that ends sooner may end while the call is asked for. */
const TOKEN_LEFT_MS = 5000;
/** A challenge is not begun when it may end before it is solved. */
const TIME_TO_SOLVE_MS = 20_000;

export function createDesk({ http, environment, path, ownToken }: DeskParts): Desk {
  /** A look whose challenge nobody has used. */
  let seen: Seen | null = null;
  let given: VisitorToken | null = null;
  let unused: VisitorToken | null = null;

  async function look(): Promise<Seen> {
    seen = read(await http.request({ method: 'GET', path }));
    return seen;
  }

  async function fresh(): Promise<Seen> {
    const last = seen;
    const usable = last?.open === true && (last.challenge?.expiresAt ?? 0) - environment.now() > TIME_TO_SOLVE_MS;
    const found = last !== null && usable ? last : await look();
    // Each challenge is good for one token.
    seen = null;
    if (!found.open) throw new CallingError('closed');
    return found;
  }

  async function publicToken(signal: AbortSignal): Promise<VisitorToken> {
    const { challenge } = await fresh();
    const proof = challenge && {
      challenge: challenge.challenge,
      solution: await solve(challenge, environment, signal),
    };
    const body = proof === null ? {} : { proof };
    return readToken(await http.request({ method: 'POST', path: `${path}/visitor-tokens`, body }));
  }

  async function backEndToken(own: () => Promise<VisitorToken>): Promise<VisitorToken> {
    try {
      return readToken(await own());
    } catch (cause) {
      throw errorOfToken(cause);
    }
  }

  return {
    look,
    async token(signal) {
      const kept = unused;
      unused = null;
      given = null;
      const good = kept !== null && !endsSoon(kept, environment.now());
      given = good ? kept : await (ownToken === null ? publicToken(signal) : backEndToken(ownToken));
      return given;
    },
    takeBack() {
      unused = given;
    },
  };
}

export function endsSoon({ expiresAt }: VisitorToken, now: number): boolean {
  return new Date(expiresAt).getTime() - now < TOKEN_LEFT_MS;
}

function read(value: unknown): Seen {
  const { displayName, open, opensAt, proof } = (value ?? {}) as Record<string, unknown>;
  if (typeof displayName !== 'string' || typeof open !== 'boolean') throw new CallingError('service');
  return {
    displayName,
    open,
    opensAt: typeof opensAt === 'string' ? timeOf(opensAt) : null,
    challenge: readChallenge(proof),
  };
}

function readChallenge(value: unknown): Seen['challenge'] {
  const { type, challenge, difficulty, expiresAt } = (value ?? {}) as Record<string, unknown>;
  if (type !== 'work') return null;
  if (typeof challenge !== 'string' || typeof difficulty !== 'number') throw new CallingError('service');
  return { challenge, difficulty, expiresAt: timeOf(String(expiresAt)) ?? 0 };
}

function readToken(value: unknown): VisitorToken {
  const { visitorToken, expiresAt } = (value ?? {}) as Partial<VisitorToken>;
  if (typeof visitorToken !== 'string' || expiresAt === undefined) throw new CallingError('token-unavailable');
  return { visitorToken, expiresAt };
}

function timeOf(text: string): number | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}
