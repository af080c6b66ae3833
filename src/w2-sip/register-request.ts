/** What a REGISTER asks for. RFC 3261 10.2, RFC 5626 4.2. */
import type { DeviceId } from '../ep-cscf/ids.ts';
import { type NameAddr, parseUri, type SipRequest } from '../sip/index.ts';

export type RegisterRequest =
  | { ok: true; deviceId: DeviceId; contact: NameAddr /** Null: the default; 0: it leaves. */; expiresS: number | null }
  /** Every contact is to go. */
  | { ok: true; deviceId: null }
  | { ok: false };

const INSTANCE = /^<?urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})>?$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
const MAX_SECONDS = 2 ** 32 - 1;

/** Not ok: it does not name one device, by the UUID of its instance, or no INVITE can be written to its Contact. */
export function readRegister({ headers }: SipRequest): RegisterRequest {
  const [contact, ...others] = headers.contacts();
  const asked = headers.number('Expires') ?? null;
  if (contact === undefined || others.length > 0) return { ok: false };
  if (contact.uri === '*') return asked === 0 ? { ok: true, deviceId: null } : { ok: false };
  const deviceId = INSTANCE.exec(contact.params.get('+sip.instance') ?? '')?.[1]?.toLowerCase();
  if (deviceId === undefined || deviceId === NIL) return { ok: false };
  if (!/^sips?$/.test(parseUri(contact.uri)?.scheme ?? '')) return { ok: false };
  const own = contact.params.get('expires');
  if (own == null) return { ok: true, deviceId: deviceId as DeviceId, contact, expiresS: asked };
  if (!/^\d{1,10}$/.test(own)) return { ok: false };
  return { ok: true, deviceId: deviceId as DeviceId, contact, expiresS: Math.min(Number(own), MAX_SECONDS) };
}
