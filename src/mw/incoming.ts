/** What an INVITE of the core says of its call: who, for whom, from where, and how it came here. IMS digest 4.1. */

import type { ImsInput } from '../ep-cscf/input.ts';
import { ANONYMOUS } from '../ep-cscf/words.ts';
import { isEmergencyRequest, type SipRequest } from '../sip/index.ts';
import { diversionOf } from './diversion.ts';
import { calledOf, callerOf } from './identity.ts';
import { locationIn } from './location.ts';
import type { MwNode } from './node.ts';

const CORRELATOR = /^[a-zA-Z0-9\-_:;./<>{}]{1,256}$/;

type Incoming = Omit<Extract<ImsInput, { type: 'ims-invited' }>, 'type' | 'owner' | 'binding' | 'sdp' | 'callerReady'>;

export function incomingOf(node: MwNode, request: SipRequest): Incoming {
  const named = node.facts.correlatorHeader === '' ? undefined : request.headers.get(node.facts.correlatorHeader);
  // A trunk's peer answers for what it writes.
  const caller = callerOf(request, node.facts.mode === 'trunk');
  return {
    correlator: named !== undefined && CORRELATOR.test(named) ? named : node.ids.uuid(),
    ...caller,
    ...calledOf(request),
    // Who hides the name hides the place.
    location: caller.caller === ANONYMOUS ? null : locationIn(request, node.now()),
    diverted: diversionOf(request),
    emergency: isEmergencyRequest(request),
  };
}
