/** What the network says of a call becomes inputs of the core. IMS digest 3 to 5. */
import type { CallId, Ref } from '../ep-cscf/ids.ts';
import { type CallUser, reasonPhrase, type SipResponse } from '../sip/index.ts';
import { type CallEntry, fieldsOf } from './call-entry.ts';
import { earlyMediaOf } from './early-media.ts';
import { isEmergencyService } from './emergency.ts';
import { calleeNameOf } from './identity.ts';
import { sdpBody } from './invite-request.ts';
import { wishesKeyFrame } from './key-frame.ts';
import { locationFields, withLocation } from './location.ts';
import type { MwNode } from './node.ts';
import { outcomeOfEnd, outcomeOfFailure, outcomeOfRequest, unanswered } from './outcome.ts';

export interface CallUsers {
  /** The listener of one call. */
  of(owner: CallId): CallUser;
  /** The dialog stands: what waited for it is said. */
  settle(entry: CallEntry): void;
}

/** `entries`: the calls there are; one that is over is taken out. */
export function createCallUsers(node: MwNode, entries: Map<CallId, CallEntry>): CallUsers {
  /** `entry` is asked for late: a call out is known to the agent before it has one. */
  function of(owner: CallId): CallUser {
    const entryOf = () => entries.get(owner);
    return {
      onProgress(heard) {
        const entry = entryOf();
        if (entry === undefined) return;
        const { fork, response, sdp, reliable } = heard;
        const earlyMedia = earlyMediaOf(response, reliable, entry.spoken.has(fork), node.earlyMedia, sdp !== null);
        if (response.headers.has('P-Early-Media')) entry.spoken.add(fork);
        if (sdp !== null && reliable) confirmReady(entry, fork, sdp);
        tellEmergency(entry, response);
        const callWaiting = response.headers
          .all('Alert-Info')
          .some(value => value.includes('urn:alert:service:call-waiting'));
        const { status: code, reason: phrase } = response;
        node.emit({ type: 'ims-progress', owner, code, phrase, fork, sdp, earlyMedia, callWaiting });
      },
      onAnswered(heard) {
        const entry = entryOf();
        if (entry === undefined) return;
        entry.phase = 'confirmed';
        node.log.info(fieldsOf(entry), 'call out answered');
        const { fork, sdp, response } = heard;
        tellEmergency(entry, response);
        node.emit({ type: 'ims-answered', owner, fork, sdp, calleeName: calleeNameOf(response) });
        settle(entry);
      },
      onRejected(failure) {
        const entry = take(owner);
        if (entry === undefined) return;
        const { code, local } = outcomeOfFailure(failure);
        node.log.info({ ...fieldsOf(entry), outcome: local ?? code }, 'call out not answered');
        // The E-CSCF knows no registrations, the peer of a trunk none of ours.
        node.emit(unanswered(owner, failure, node.facts.mode !== 'trunk' && !entry.emergency));
      },
      onCancelled(cancel) {
        const entry = take(owner);
        if (entry === undefined) return;
        node.log.info(fieldsOf(entry), 'call in cancelled');
        node.emit({ type: 'ims-cancelled', owner, outcome: outcomeOfRequest(cancel) });
      },
      onAcked: sdp => {
        const entry = entryOf();
        if (entry === undefined) return;
        node.emit({ type: 'ims-acked', owner, sdp });
        settle(entry);
      },
      onEnded(end) {
        const entry = take(owner);
        if (entry === undefined) return;
        node.log.info({ ...fieldsOf(entry), cause: end.cause }, 'call ended by the network');
        node.emit({ type: 'ims-ended', owner, outcome: outcomeOfEnd(end) });
      },
      onReoffer(reoffer) {
        const entry = entryOf();
        if (entry === undefined) {
          reoffer.reject({ status: 481, reason: reasonPhrase(481) });
          return;
        }
        const ref = node.ids.ref();
        entry.reoffers.set(ref, reoffer);
        node.emit({ type: 'ims-reoffered', owner, ref, sdp: reoffer.sdp });
      },
      onInfo(request) {
        if (entryOf() !== undefined && wishesKeyFrame(request)) node.emit({ type: 'ims-key-frame', owner });
      },
      onUpdated(heard) {
        const ref = takeUpdate(owner);
        if (ref !== null) node.emit({ type: 'ims-updated', owner, ref, sdp: heard.sdp });
      },
      onUpdateFailed(failure) {
        const ref = takeUpdate(owner);
        if (ref !== null) node.emit({ type: 'ims-update-failed', owner, ref, outcome: outcomeOfFailure(failure) });
      },
    };
  }

  function take(owner: CallId): CallEntry | undefined {
    const entry = entries.get(owner);
    entries.delete(owner);
    return entry;
  }

  function tellEmergency(entry: CallEntry, response: SipResponse): void {
    if (entry.emergency || !isEmergencyService(response, node.emergency.numbers)) return;
    entry.emergency = true;
    node.emit({ type: 'ims-emergency-answers', owner: entry.owner });
  }

  function takeUpdate(owner: CallId): Ref | null {
    const entry = entries.get(owner);
    const ref = entry?.updateRef ?? null;
    if (entry !== undefined) entry.updateRef = null;
    return ref;
  }

  function settle(entry: CallEntry): void {
    entry.settled = true;
    const { location } = entry;
    entry.location = null;
    if (location === null) return;
    // RFC 6442 allows UPDATE; a peer that takes none does not hear of it. IMS digest 6.3.
    const told = entry.call.update(withLocation(null, location), locationFields(location));
    if (!told) node.log.debug(fieldsOf(entry), 'the far end takes no location');
  }

  /** The far side waits for the word that ours is ready, which it always is. RFC 3312 6. */
  function confirmReady(entry: CallEntry, fork: string, answer: string): void {
    const offer = entry.readiness?.confirmation(fork, answer) ?? null;
    if (offer !== null && !entry.call.update(sdpBody(offer), [], fork))
      node.log.debug(fieldsOf(entry), 'the far end wants a confirmation and takes no UPDATE');
  }

  return { of, settle };
}
