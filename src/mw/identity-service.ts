/** Identities from the operator's web service: bounded, remembered for a while, asked once for all who wait. */
import { readFileSync } from 'node:fs';
import type { RealmSettings } from '../config/realm.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { IdentitySource } from './identities.ts';

const MAX_CACHED = 100_000;
/** Requests at once; beyond them the service counts as unavailable. */
const MAX_RUNNING = 200;
const MAX_BODY = 16_384;

type Settings = Pick<
  RealmSettings,
  'identityUrl' | 'identityTokenFile' | 'identityTimeoutMs' | 'identityCacheS' | 'home'
>;
type Tell = Parameters<IdentitySource>[1];

/** Throws with one sentence when the token file cannot be read. */
export function createIdentityService(settings: Settings, now = Date.now): IdentitySource {
  const authorization = authorizationOf(settings.identityTokenFile);
  const cached = new Map<E164, { row: unknown; until: number }>();
  const running = new Map<E164, Tell[]>();

  async function ask(number: E164): Promise<unknown> {
    const url = settings.identityUrl
      .replaceAll('{number}', encodeURIComponent(number))
      .replaceAll('{digits}', number.slice(1))
      .replaceAll('{home}', encodeURIComponent(settings.home));
    const response = await fetch(url, {
      headers: { accept: 'application/json', ...authorization },
      redirect: 'error',
      signal: AbortSignal.timeout(settings.identityTimeoutMs),
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return null;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`answered ${response.status}`);
    }
    return JSON.parse(await limited(response));
  }

  function keep(number: E164, row: unknown): void {
    if (settings.identityCacheS === 0) return;
    if (cached.size >= MAX_CACHED) cached.delete(cached.keys().next().value ?? number);
    cached.set(number, { row, until: now() + settings.identityCacheS * 1000 });
  }

  function told(number: E164, row: unknown, failure: string | null): void {
    const waiting = running.get(number) ?? [];
    running.delete(number);
    for (const tell of waiting) tell(row, failure);
  }

  return (number, tell) => {
    const known = cached.get(number);
    if (known !== undefined && known.until > now()) {
      tell(known.row, null);
      return;
    }
    cached.delete(number);
    const waiting = running.get(number);
    if (waiting !== undefined) {
      waiting.push(tell);
      return;
    }
    if (running.size >= MAX_RUNNING) {
      tell(null, 'too many look-ups of identities at once');
      return;
    }
    running.set(number, [tell]);
    ask(number).then(
      row => {
        keep(number, row);
        told(number, row, null);
      },
      error => told(number, null, `the identity service ${wordsOf(error)}`),
    );
  };
}

function authorizationOf(file: string): Record<string, string> {
  if (file === '') return {};
  try {
    return { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` };
  } catch {
    throw new Error(`The token file ${file} of the identity service cannot be read.`);
  }
}

/** The body as text. Rejects when it is longer than an identity can be. */
async function limited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY) throw new Error('answered more than 16 KiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Why it failed, without anything of the answer. */
function wordsOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'answered no JSON';
  if (error instanceof Error && error.name === 'TimeoutError') return 'did not answer in time';
  if (error instanceof Error && error.message.startsWith('answered ')) return error.message;
  return 'cannot be reached';
}
