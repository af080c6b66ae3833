/** What the requests of a dialog repeat of its first one: how the call is charged. RFC 7315 4.6, TS 24.229 7.2A.5. */
import { chargingParams } from '../message/charging.ts';
import { kept } from '../message/kept.ts';
import type { ExtraHeaders } from '../user-agent-types.ts';

const CHARGING = 'P-Charging-Vector';
const IDENTIFIER = ['icid-value', 'icid-generated-at'];

/** Of a call out: as its INVITE says it. */
export function standingOfSent(headers: ExtraHeaders): ExtraHeaders {
  return headers.filter(([name]) => name === CHARGING);
}

/** Of a call in: the identifier alone; the networks that its INVITE names are those of the caller. */
export function standingOfReceived(value: string | undefined): ExtraHeaders {
  const parts = chargingParams(value, IDENTIFIER);
  return parts.length === 0 ? [] : [[CHARGING, kept(parts.map(({ text }) => text).join(';'))]];
}
