/** The CloudEvents that leave: envelope and data. CAMARA webrtc-events-subscriptions v0.3, CloudEvents 1.0. */

import type { CoreEvent } from '../ep-cscf/effect.ts';
import { eventPrefix } from '../ep-cscf/event-word.ts';
import type { Address } from '../ep-cscf/words.ts';

/** Why a subscription ended, as far as Lineside ends any. */
export type EndReason = 'NETWORK_TERMINATED' | 'SUBSCRIPTION_EXPIRED' | 'ACCESS_TOKEN_EXPIRED' | 'SUBSCRIPTION_DELETED';

/** Everything that can be told to a sink. */
export type Told =
  | CoreEvent
  | { kind: 'subscription-ended'; terminationReason: EndReason; terminationDescription: string | null };

const NAME_LIMIT = 256;
const TEXT_LIMIT = 2048;
const SDP_LIMIT = 65_536;
const ADDRESS_LIMIT = 256;
const EVENT_ADDRESS = /^(tel:\+[0-9]{5,15}|sip:[A-Za-z0-9_.!%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})$/;
const SIP_NUMBER = /^sip:(\+[0-9]{5,15})@[^;?]+(?:;[^;?]+)*;user=phone(?:[;?]|$)/i;
/** Stands where an address is required and the event's pattern refuses the true one. */
const UNAVAILABLE: Address = 'sip:unavailable@unknown.invalid';

/** An address in the narrow form of the event schema, or null when it has none. */
export function narrowAddress(address: Address): Address | null {
  if (address.length > ADDRESS_LIMIT * 2) return null;
  if (address.length <= ADDRESS_LIMIT && EVENT_ADDRESS.test(address)) return address;
  const number = SIP_NUMBER.exec(address)?.[1];
  return number === undefined ? null : `tel:${number}`;
}

/**
 * The whole event as JSON text, as the API of its subscription `of` names it. `source` is the public base URL, `id` a UUID that a retry keeps, `at` when it happened (ms since the epoch).
 * Only the fields the schema knows are sent; optional texts are cut to its limits.
 */
export function cloudEvent(
  told: Told,
  of: { id: string; api: string },
  id: string,
  source: string,
  at: number,
): string {
  return JSON.stringify({
    id,
    source,
    specversion: '1.0',
    type: eventPrefix(of.api) + told.kind,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    data: dataOf(told, of.id),
  });
}

/** Absent fields are undefined, which JSON leaves out. */
function dataOf(told: Told, subscriptionId: string): Record<string, unknown> {
  switch (told.kind) {
    case 'session-invitation':
    case 'session-status': {
      const invitation = told.kind === 'session-invitation';
      const required = invitation ? UNAVAILABLE : undefined;
      return {
        subscriptionId,
        mediaSessionId: told.mediaSessionId,
        originatorAddress: narrowAddress(told.originatorAddress) ?? required,
        originatorName: cut(told.originatorName, NAME_LIMIT),
        receiverAddress: narrowAddress(told.receiverAddress) ?? required,
        receiverName: cut(told.receiverName, NAME_LIMIT),
        status: told.status,
        offer: description(told.offer),
        answer: invitation ? undefined : description(told.answer),
        reason: cut(told.reason, TEXT_LIMIT),
        sequenceNumber: told.sequenceNumber,
        locationDetails: told.location ?? undefined,
      };
    }
    case 'registration-ends':
      return {
        registrationId: told.registrationId,
        terminationReason: told.terminationReason,
        terminationDescription: cut(told.terminationDescription, TEXT_LIMIT),
      };
    case 'subscription-ended':
      return {
        subscriptionId,
        terminationReason: told.terminationReason,
        terminationDescription: cut(told.terminationDescription, TEXT_LIMIT),
      };
    default: {
      const never: never = told;
      throw new Error(`No event ${JSON.stringify(never)}.`);
    }
  }
}

function cut(text: string | null, limit: number): string | undefined {
  if (text === null || text === '') return undefined;
  if (text.length <= limit) return text.toWellFormed();
  // A pair of surrogates is not torn apart.
  const end = text.charCodeAt(limit - 1) >= 0xd800 && text.charCodeAt(limit - 1) < 0xdc00 ? limit - 1 : limit;
  return text.slice(0, end).toWellFormed();
}

/** An SDP past the schema's limit is left out: a part of one is of no use, the client can read the session. */
function description(sdp: string | null): { sdp: string } | undefined {
  return sdp === null || sdp.length > SDP_LIMIT ? undefined : { sdp };
}
