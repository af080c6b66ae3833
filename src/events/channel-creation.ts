/** How a channel comes to be: its row, its first subscription, and what the page is told of both. CAMARA digest 11a. */
import type { Write } from '../ep-cscf/effect.ts';
import { type ChannelOpened, EVENTS_API, type EventName } from '../ep-cscf/event-word.ts';
import { maySee } from '../ep-cscf/identity.ts';
import type { Principal } from '../ep-cscf/words.ts';
import { type Channel, type ChannelBook, type ChannelRow, channelView, putChannel } from './channel-book.ts';
import { hashOf, secret } from './channel-ticket.ts';
import type { Journal } from './journal.ts';
import type { Channels, Clock, Refusal } from './ports.ts';
import type { SubscriptionLife } from './subscription.ts';
import type { SubscriptionRows } from './subscription-row.ts';
import type { SubscriptionRow } from './subscription-table.ts';

export interface ChannelCreationDeps {
  clock: Clock;
  journal: Journal;
  rows: Pick<SubscriptionRows, 'put'>;
  life: Pick<SubscriptionLife, 'draft' | 'begin'>;
  uuid(): string;
  publicUrl(): string;
  channelsPath: string;
  settings: { subscriptionDefaultMs: number; subscriptionMaxMs: number; subscriptionsPerUser: number };
}

export interface ChannelCreation {
  create: Channels['create'];
  /** What the URL of every channel's sink begins with. */
  sinkBase(): string;
}

/** Makes the way of new channels into the book; `close` ends one that nobody came back to. */
export function createChannelCreation(
  deps: ChannelCreationDeps,
  book: ChannelBook,
  close: (channel: Channel) => Promise<void>,
): ChannelCreation {
  const { clock, settings } = deps;

  /** Always https, for it is a name, never dialled. */
  const sinkBase = () => `${deps.publicUrl().replace(/^http:/, 'https:')}${deps.channelsPath}/channels/`;
  const sinkOf = (id: string) => `${sinkBase()}${id}/sink`;

  async function create(
    who: Principal,
    request: { deviceId: string; types: EventName[]; expiresAt: number | null },
  ): Promise<{ ok: true; channel: ChannelOpened } | Refusal> {
    const now = clock.now();
    if (request.expiresAt !== null && request.expiresAt <= now) {
      return { ok: false, error: 'invalid-argument', message: 'expireTime must be in the future.' };
    }
    await closeLeftBehind(who, request.deviceId, now);
    if (book.ofUser(who).length >= settings.subscriptionsPerUser) return { ok: false, error: 'channel-quota' };
    const resumeToken = secret();
    const row = rowFor(who, request.deviceId, expiry(request.expiresAt, now), resumeToken);
    const drafted = request.types.length > 0 ? draftFor(who, row, request.types) : null;
    if (drafted !== null && 'ok' in drafted) return drafted;
    const channel = book.add(row);
    const writes: Write[] = [putChannel(row)];
    if (drafted !== null) writes.push(deps.rows.put(drafted));
    if (!(await deps.journal.commit(writes))) {
      book.remove(channel);
      return { ok: false, error: 'not-kept' };
    }
    book.armExpiry(channel);
    if (drafted !== null) deps.life.begin(drafted);
    return { ok: true, channel: opened(channel, resumeToken, drafted?.id ?? null) };
  }

  /** A page that was reloaded opens a new channel: those of the same device that nobody came back to would only pile up. */
  async function closeLeftBehind(who: Principal, deviceId: string, now: number): Promise<void> {
    for (const channel of book.ofUser(who)) {
      const { row } = channel;
      if (row.deviceId === deviceId && maySee(who, row.who) && book.isAbsent(channel, now)) await close(channel);
    }
  }

  function expiry(asked: number | null, now: number): number {
    return now + Math.min((asked ?? now + settings.subscriptionDefaultMs) - now, settings.subscriptionMaxMs);
  }

  function rowFor(who: Principal, deviceId: string, expiresAt: number, resumeToken: string): ChannelRow {
    const { clientId, subject, number, legs } = who;
    return {
      id: deps.uuid(),
      who: { clientId, subject, number, legs },
      deviceId,
      expiresAt,
      seqReserved: 0,
      lost: 0,
      floor: 0,
      resumeHash: hashOf(resumeToken),
    };
  }

  function draftFor(
    who: Principal,
    { id, deviceId, expiresAt }: ChannelRow,
    types: EventName[],
  ): SubscriptionRow | Refusal {
    const asked = {
      api: EVENTS_API,
      sink: sinkOf(id),
      types,
      deviceId,
      registrationId: null,
      mediaSessionId: null,
      expiresAt,
      maxEvents: null,
      initialEvent: null,
      credential: null,
    };
    return deps.life.draft(who, asked, id);
  }

  function opened(channel: Channel, resumeToken: string, subscriptionId: string | null): ChannelOpened {
    const { id, expiresAt } = channel.row;
    const websocketBase = deps.publicUrl().replace(/^http/, 'ws');
    return {
      ...channelView(channel),
      sink: sinkOf(id),
      sinkCredential: {
        credentialType: 'ACCESSTOKEN',
        accessToken: secret(),
        accessTokenExpires: expiresAt,
        accessTokenType: 'bearer',
      },
      websocketUrl: `${websocketBase}${deps.channelsPath}/channels/${id}/ws`,
      sseUrl: `${deps.publicUrl()}${deps.channelsPath}/channels/${id}/events`,
      resumeToken,
      ...channel.tickets.issue(clock.now()),
      subscriptionId,
    };
  }

  return { create, sinkBase };
}
