/** A call out whose registration the network has lost: the number registers anew, then the call is tried once more. TS 24.229 5.1.2A.1.6, IMS digest 3.4. */

import type { Binding } from './binding.ts';
import { sendRegister } from './binding-ims.ts';
import type { Call } from './call.ts';
import { endCall } from './call-end.ts';
import { endCancelled, forgetEarly, sendInvite } from './call-out.ts';
import { finalOf } from './call-status.ts';
import type { ImsInput } from './input.ts';
import type { Done, Turn } from './turn.ts';
import type { Outcome } from './words.ts';

export function onStateLost(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-state-lost' }>): Done {
  if (call.phase === 'cancelling') return endCancelled(turn, call);
  const binding = turn.registry.bindings.get(call.bindingId);
  if (call.again !== null || call.invited === null || binding?.phase !== 'active')
    return endCall(turn, call, finalOf(input.outcome, call.ringingAt !== null), null);
  call.again = call.invited;
  // Nothing of this call is in the network meanwhile.
  call.invited = null;
  forgetEarly(call);
  // Another call may have asked for it already.
  if (binding.ref !== null && binding.fresh) return;
  binding.fresh = true;
  sendRegister(turn, binding, call.correlator);
}

/** The calls that wait for this binding go out again, or end with it. */
export function callAgain(turn: Turn, binding: Binding): Done {
  const gone = turn.registry.bindings.get(binding.id) !== binding;
  if (binding.ref !== null && !gone) return;
  for (const call of [...(turn.registry.callsOf.get(binding.number) ?? [])]) {
    const offer = call.again;
    if (offer === null || offer === '' || call.bindingId !== binding.id) continue;
    call.again = '';
    if (gone || binding.phase !== 'active' || binding.failures > 0) endCall(turn, call, finalOf(LOST, false), null);
    else sendInvite(turn, call, offer);
  }
}

const LOST: Outcome = { code: 504, phrase: 'Server Time-out', q850: null, local: null, reason: null };
