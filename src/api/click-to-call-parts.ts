/** What the operations of click to call share. */
import type { Settings } from '../config/settings.ts';
import type { Ids } from '../ep-cscf/ids.ts';
import type { Call } from './operation.ts';
import type { Channels, ClickToCall, CorePort, Refusal } from './ports.ts';

export interface ClickToCallParts extends ClickToCall {
  core: CorePort;
  channels: Channels;
  ids: Pick<Ids, 'ref' | 'uuid'>;
  now(): number;
  settings: Pick<Settings, 'clickToCall' | 'turn'> & { api: Pick<Settings['api'], 'clickToCallPaths'> };
  publicUrl(): string;
  /** Shared with the TURN servers. */
  secret(): string;
  count(name: string, labels: Readonly<Record<string, string>>): void;
}

/** Only the business itself: no subscriber of the operator has a part in it. */
export function businessOnly({ who }: Call): Refusal | null {
  return who.legs === 2 ? null : { ok: false, error: 'token-context' };
}

/** Where a page is from, as its browser says; on our own origin it leaves that out of a GET. Null: no page. Fetch standard, Origin header; Fetch Metadata. */
export function originOf({ publicUrl }: ClickToCallParts, { header }: Call): string | null {
  return header('origin') ?? (header('sec-fetch-site') === 'same-origin' ? new URL(publicUrl()).origin : null);
}
