/** The demo business's entry points of click to call, made by its own token as a business would. */
import { fetchToken } from './token.ts';

const COMMON = { poolId: 'demo-pool', maxDurationS: 600 };

/** By the name the pages give them; the name shown to who is called tells them apart over restarts. */
const DRAFTS = {
  talk: { ...COMMON, displayName: 'Harbour Bicycles', destination: 'tel:+15550109000' },
  bench: { ...COMMON, displayName: 'Harbour Bicycles, bench', destination: 'tel:+15550100002' },
  closed: {
    ...COMMON,
    displayName: 'Harbour Bicycles, Werkstatt',
    destination: 'tel:+15550109000',
    hours: { timeZone: 'Europe/Berlin', open: [{ days: ['mon'], from: '08:00', to: '08:05' }] },
  },
} as const;

interface Made {
  entryPointId: string;
  displayName: string;
}

/** Makes them at the gateway, or brings those of an earlier run up to date. `origins`: of the pages. Rejects with one sentence. */
export async function makeEntryPoints(
  gateway: string,
  issuer: string,
  origins: readonly string[],
): Promise<Record<keyof typeof DRAFTS, string>> {
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
  const make = async (draft: (typeof DRAFTS)[keyof typeof DRAFTS]): Promise<string> => {
    const before = known.find(({ displayName }) => displayName === draft.displayName);
    const body = { ...draft, allowedOrigins: origins };
    const made = await (before === undefined
      ? ask('POST', path, body)
      : ask('PUT', `${path}/${before.entryPointId}`, body));
    return (made as Made).entryPointId;
  };
  return { talk: await make(DRAFTS.talk), bench: await make(DRAFTS.bench), closed: await make(DRAFTS.closed) };
}
