/** Requests to the CAMARA APIs: token, JSON, errors as CallingError. */
import type { Environment } from './environment.ts';
import { CallingError, errorOfAnswer, errorOfToken } from './errors.ts';

/** A token alone is asked for again before each request; with `expiresAt` (ISO 8601 or ms) it is kept until a minute before. */
export type Token = string | { accessToken: string; expiresAt: string | number };

export interface HttpOptions {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the API root on. */
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Http {
  /** The parsed body, null when there is none. Rejects with CallingError. */
  request(options: HttpOptions): Promise<unknown>;
}

const TIMEOUT_MS = 15_000;
const KEEP_UNTIL_MS = 60_000;

/** `token` null: requests that say nothing of who asks. */
export function createHttp(apiRoot: string, token: (() => Promise<Token>) | null, environment: Environment): Http {
  const root = apiRoot.replace(/\/+$/, '');
  let kept: { accessToken: string; until: number } | null = null;
  let asking: Promise<string> | null = null;

  async function ask(token: () => Promise<Token>): Promise<string> {
    let given: Token;
    try {
      given = await token();
    } catch (cause) {
      throw errorOfToken(cause);
    }
    if (typeof given === 'string') return given;
    kept = { accessToken: given.accessToken, until: new Date(given.expiresAt).getTime() - KEEP_UNTIL_MS };
    return given.accessToken;
  }

  async function authorization(): Promise<Record<string, string>> {
    return token === null ? {} : { authorization: `Bearer ${await currentToken(token)}` };
  }

  function currentToken(token: () => Promise<Token>): Promise<string> {
    if (kept !== null && environment.now() < kept.until) return Promise.resolve(kept.accessToken);
    asking ??= ask(token).finally(() => {
      asking = null;
    });
    return asking;
  }

  async function once(options: HttpOptions): Promise<{ response: Response; body: unknown }> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...(await authorization()),
      'x-correlator': environment.uuid(),
      ...options.headers,
    };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    try {
      const response = await environment.fetch(root + options.path, {
        method: options.method,
        headers,
        cache: 'no-store',
        credentials: 'omit',
        // What ends something still leaves when the page is being closed.
        keepalive: options.method === 'DELETE',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
      return { response, body: parse(await response.text()) };
    } catch (cause) {
      throw new CallingError('network', { cause });
    }
  }

  return {
    async request(options) {
      let { response, body } = await once(options);
      if (response.status === 401 && token !== null) {
        kept = null;
        ({ response, body } = await once(options));
      }
      if (response.ok) return body;
      const wait = Number(response.headers.get('retry-after') ?? 'none');
      throw errorOfAnswer(response.status, body, Number.isFinite(wait) ? wait : null);
    },
  };
}

function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
