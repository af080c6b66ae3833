/** Tells trusted nodes who is registered: SUBSCRIBE to the reg event, NOTIFY with the full state. RFC 3680, RFC 6665 4.2. */
import {
  createRequest,
  createResponse,
  type SipRequest,
  type TransactionKey,
  type TransactionLayer,
} from '../../src/sip/index.ts';
import type { Binding, Location } from './location.ts';
import { type Home, numberOfText } from './number.ts';
import type { Routes } from './route.ts';

export interface RegEventOptions {
  home: Home;
  location: Location;
  routes: Routes;
  layer: TransactionLayer;
  now: () => number;
  tag: () => string;
}

export interface RegEvents {
  /** True when the request belongs to the event package; it was answered then. */
  onRequest(request: SipRequest, key: TransactionKey): boolean;
  /** The bindings of a number changed; `removed` are those that went, with the event that says why. */
  changed(number: string, removed: readonly Binding[], event: RemovalEvent): void;
  readonly size: number;
}

export type RemovalEvent = 'unregistered' | 'rejected' | 'deactivated' | 'expired';

interface Watcher {
  number: string;
  /** Dialog: their Contact, route set, our and their tags. */
  target: string;
  routes: readonly string[];
  callId: string;
  local: string;
  remote: string;
  seq: number;
  version: number;
  expiresAtMs: number;
}

const MAX_EXPIRES_S = 7200;
const MAX_WATCHERS = 1000;
const TYPE = 'application/reginfo+xml';

export function createRegEvents(options: RegEventOptions): RegEvents {
  const { home, location, layer, now } = options;
  /** By Call-ID and our tag. */
  const watchers = new Map<string, Watcher>();

  function onRequest(request: SipRequest, key: TransactionKey): boolean {
    const { headers } = request;
    if (request.method !== 'SUBSCRIBE' || (headers.get('Event') ?? '').split(';')[0]?.trim() !== 'reg') return false;
    const answer = (status: number, fields: Array<[string, string]> = [], toTag = options.tag()) =>
      layer.respond(key, createResponse(request, status, undefined, { toTag, headers: fields }));
    const expiresS = Math.min(headers.number('Expires') ?? MAX_EXPIRES_S, MAX_EXPIRES_S);
    const tag = headers.to()?.params.get('tag');
    const callId = headers.callId() ?? '';
    const known = typeof tag === 'string' ? watchers.get(`${tag} ${callId}`) : undefined;
    if (typeof tag === 'string' && known === undefined) {
      answer(481);
      return true;
    }
    const watcher = known ?? accepted(request, callId);
    if (typeof watcher === 'number') {
      answer(watcher);
      return true;
    }
    watcher.expiresAtMs = now() + expiresS * 1000;
    const fields: Array<[string, string]> = [['Expires', String(expiresS)]];
    answer(200, [...fields, ['Contact', `<${contactUri(home)}>`]], localTagOf(watcher));
    if (expiresS === 0) watchers.delete(`${localTagOf(watcher)} ${callId}`);
    notify(watcher, [], 'unregistered', expiresS === 0 ? 'timeout' : null);
    return true;
  }

  /** A new watcher, or the status of the refusal: only whose number it is may watch it. */
  function accepted(request: SipRequest, callId: string): Watcher | number {
    const { headers } = request;
    const number = numberOfText(request.uri, home);
    const asserted = headers.nameAddrs('P-Asserted-Identity').map(({ uri }) => numberOfText(uri, home));
    const target = headers.contacts()[0]?.uri;
    if (number === null || target === undefined) return 404;
    if (!asserted.includes(number) || location.of(number).length === 0) return 403;
    drop();
    if (watchers.size >= MAX_WATCHERS) return 503;
    const tag = options.tag();
    const watcher: Watcher = {
      number,
      target,
      routes: headers.all('Record-Route'),
      callId,
      local: `${headers.get('To') ?? ''};tag=${tag}`,
      remote: headers.get('From') ?? '',
      seq: 0,
      version: -1,
      expiresAtMs: 0,
    };
    watchers.set(`${tag} ${callId}`, watcher);
    return watcher;
  }

  function drop(): void {
    for (const [key, watcher] of watchers) if (watcher.expiresAtMs <= now()) watchers.delete(key);
  }

  function notify(watcher: Watcher, removed: readonly Binding[], event: RemovalEvent, ended: string | null): void {
    watcher.seq += 1;
    watcher.version += 1;
    const leftS = Math.max(0, Math.round((watcher.expiresAtMs - now()) / 1000));
    const state = ended === null ? `active;expires=${leftS}` : `terminated;reason=${ended}`;
    const request = createRequest(
      'NOTIFY',
      watcher.target,
      [
        ['Max-Forwards', '70'],
        ...watcher.routes.map((route): [string, string] => ['Route', route]),
        ['From', watcher.local],
        ['To', watcher.remote],
        ['Call-ID', watcher.callId],
        ['CSeq', `${watcher.seq} NOTIFY`],
        ['Contact', `<${contactUri(home)}>`],
        ['Event', 'reg'],
        ['Subscription-State', state],
        ['Content-Type', TYPE],
      ],
      document(watcher, removed, event),
    );
    const target = options.routes.nextHop(request);
    if (target === null) return;
    layer.request(request, target, {
      onResponse(response) {
        if (response.status >= 300) watchers.delete(`${localTagOf(watcher)} ${watcher.callId}`);
      },
      onFailure: () => watchers.delete(`${localTagOf(watcher)} ${watcher.callId}`),
    });
  }

  function document(watcher: Watcher, removed: readonly Binding[], event: RemovalEvent): string {
    const { number, version } = watcher;
    const live = location.of(number);
    const contacts = [
      ...live.map(binding =>
        contactOf(binding, 'active', 'registered', Math.round((binding.expiresAtMs - now()) / 1000)),
      ),
      ...removed.map(binding => contactOf(binding, 'terminated', event, 0)),
    ].join('');
    const state = live.length > 0 ? 'active' : 'terminated';
    const registration = (aor: string, id: string) =>
      `<registration aor="${escapeXml(aor)}" id="${id}" state="${state}">${contacts}</registration>`;
    return (
      `<?xml version="1.0"?>\n<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="${version}" state="full">` +
      `${registration(`sip:${number}@${home.domain}`, 'r1')}${registration(`tel:${number}`, 'r2')}</reginfo>\n`
    );
  }

  return {
    onRequest,
    changed(number, removed, event) {
      drop();
      const ended = location.of(number).length === 0 ? 'noresource' : null;
      for (const [key, watcher] of watchers) {
        if (watcher.number !== number) continue;
        if (ended !== null) watchers.delete(key);
        notify(watcher, removed, event, ended);
      }
    },
    get size() {
      return watchers.size;
    },
  };
}

function contactUri(home: Home): string {
  return `sip:reg@${home.host}:${home.port}`;
}

function localTagOf({ local }: Watcher): string {
  return /;tag=([^;]+)$/.exec(local)?.[1] ?? '';
}

function contactOf(binding: Binding, state: 'active' | 'terminated', event: string, expiresS: number): string {
  const id = `c${binding.callId.replace(/[^A-Za-z0-9]/g, '').slice(0, 16)}`;
  const facts = `id="${id}" state="${state}" event="${event}" expires="${Math.max(0, expiresS)}"`;
  return `<contact ${facts} callid="${escapeXml(binding.callId)}"><uri>${escapeXml(binding.contact.uri)}</uri></contact>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`);
}
