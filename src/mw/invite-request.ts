/** The request of a call out, attempt by attempt: description, location, preconditions. IMS digest 3.2, 3.6, 6.3. */

import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import type { DeviceLocation } from '../ep-cscf/words.ts';
import type { Body, Credentials, OutgoingCall } from '../sip/index.ts';
import { CHARGING } from './charging.ts';
import { callContact, type Field, type InviteParts, ownUri } from './headers.ts';
import { locatedOf, locationFields, locationOut, type SentLocation, withLocation } from './location.ts';
import type { MwNode } from './node.ts';
import type { Attempt } from './placed-call.ts';
import { offerStatus } from './precondition.ts';
import { PRECONDITION } from './precondition-demand.ts';

/** What one INVITE says; each names its location anew. */
export function inviteRequest(
  node: MwNode,
  effect: Extract<ImsEffect, { type: 'ims.invite' }>,
  parts: InviteParts,
  credentials: Credentials | undefined,
): (attempt: Attempt) => OutgoingCall {
  const { uri, from, to, emergency } = parts;
  const { owner, from: number, anonymous, location } = effect;
  const contact = callContact(ownUri(owner, node.hostPort(node.transport), node.transport), emergency);
  const answer = credentials === undefined ? {} : { credentials };
  return ({ route, located, precondition }) => {
    const sent = located && location !== null ? sentLocation(node, location, { number, anonymous, emergency }) : null;
    const fields = precondition ? withTag(parts.fields) : parts.fields;
    const headers = sent === null ? fields : [...fields, ...locationFields(sent)];
    const sdp = precondition ? offerStatus(effect.sdp, node.facts) : effect.sdp;
    const body = sent === null ? sdpBody(sdp) : withLocation(sdp, sent);
    return { uri, from, to, route, proxy: node.proxy, contact, headers, standing: [CHARGING], body, ...answer };
  };
}

/** The location of one message, or null when it names no place. */
export function sentLocation(
  node: MwNode,
  location: DeviceLocation,
  caller: { number: E164; anonymous: boolean; emergency: boolean },
): SentLocation | null {
  const { home, host } = node.facts;
  const located = locatedOf(location, { ...caller, home }, node.ids.uuid);
  return locationOut(location.details, located, node.icid(), host, node.now());
}

export function sdpBody(content: string): Body {
  return { contentType: 'application/sdp', content };
}

/** The extensions of an INVITE, and that of preconditions. */
function withTag(fields: readonly Field[]): Field[] {
  return fields.map(([name, value]): Field => [name, name === 'Supported' ? `${value}, ${PRECONDITION}` : value]);
}
