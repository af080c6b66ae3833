/** The demo business's entry points of click to call, made by its own token as a business would. */
import type { OpeningHours, Weekday } from '../src/ep-cscf/visitor-word.ts';
import { fetchToken } from './token.ts';

const COMMON = { poolId: 'demo-pool', maxDurationS: 600 };

const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY_MS = 86_400_000;

/** Opening hours that are far: whoever starts the sandbox, at whatever hour, sees how a closed desk looks. */
export function hoursFarFrom(now: number): OpeningHours {
  const day = WEEKDAYS[new Date(now + 2 * DAY_MS).getUTCDay()] as Weekday;
  return { timeZone: 'Europe/Berlin', open: [{ days: [day], from: '08:00', to: '17:00' }] };
}

/** By the name the pages give them; the name shown to who is called tells them apart over restarts. */
const draftsAt = (now: number) => ({
  talk: { ...COMMON, displayName: 'Harbour Bicycles', destination: 'tel:+15550109000' },
  bench: { ...COMMON, displayName: 'Harbour Bicycles, bench', destination: 'tel:+15550100002' },
  closed: {
    ...COMMON,
    displayName: 'Harbour Bicycles, Werkstatt',
    destination: 'tel:+15550109000',
    hours: hoursFarFrom(now),
  },
});

type Drafts = ReturnType<typeof draftsAt>;

interface Made {
  entryPointId: string;
  displayName: string;
}

/** Makes them at the gateway, or brings those of an earlier run up to date. `origins`: of the pages. `now`: ms since the epoch. Rejects with one sentence. */
export async function makeEntryPoints(
  gateway: string,
  issuer: string,
  origins: readonly string[],
  now = Date.now(),
): Promise<Record<keyof Drafts, string>> {
  const token = await fetchToken(['--two-legged'], issuer);
  if (!token.ok) throw new Error(token.sentence);
  const path = `${gateway}/webrtc-click-to-call/v0.1/entry-points`;
  const ask = async (method: string, url: string, body?: object): Promise<unknown> => {
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`The gateway takes no entry point of click to call (${response.status}).`);
    return response.json();
  };
  const known = (await ask('GET', path)) as Made[];
  const make = async (draft: Drafts[keyof Drafts]): Promise<string> => {
    const before = known.find(({ displayName }) => displayName === draft.displayName);
    const body = { ...draft, allowedOrigins: origins };
    const made = await (before === undefined
      ? ask('POST', path, body)
      : ask('PUT', `${path}/${before.entryPointId}`, body));
    return (made as Made).entryPointId;
  };
  const { talk, bench, closed } = draftsAt(now);
  return { talk: await make(talk), bench: await make(bench), closed: await make(closed) };
}
