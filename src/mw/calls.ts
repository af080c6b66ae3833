/** The SIP side of calls: effects of the core become requests and responses, what the network says becomes inputs. IMS digest 3 to 5. */

import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { BindingId, CallId, E164, Ref } from '../ep-cscf/ids.ts';
import {
  type Call,
  type CallUser,
  type Credentials,
  type ExtraHeaders,
  type Refusal,
  reasonPhrase,
  type SipRequest,
  type SipResponse,
} from '../sip/index.ts';
import { answerFields } from './answer-fields.ts';
import { type CallEntry, callEntry, first, said } from './call-entry.ts';
import { icidOf } from './charging.ts';
import { earlyMediaOf } from './early-media.ts';
import { isEmergencyService } from './emergency.ts';
import { inviteParts } from './headers.ts';
import { calleeNameOf } from './identity.ts';
import { incomingOf } from './incoming.ts';
import { inviteRequest, sdpBody, sentLocation } from './invite-request.ts';
import { KEY_FRAME_WISH, wishesKeyFrame } from './key-frame.ts';
import { locationFields, withLocation } from './location.ts';
import type { MwNode } from './node.ts';
import { outcomeOfEnd, outcomeOfFailure, outcomeOfRequest, refusedHere, unanswered } from './outcome.ts';
import { placeCall } from './placed-call.ts';
import { answeringReadiness, offeringReadiness } from './precondition.ts';
import { namesPreconditions, PRECONDITION, preconditionFailure, refusalOf } from './precondition-demand.ts';
import { refusal } from './refusal.ts';

type EffectOf<T extends ImsEffect['type']> = Extract<ImsEffect, { type: T }>;

export interface Calls {
  invite(effect: EffectOf<'ims.invite'>, route: readonly string[], credentials: Credentials | undefined): void;
  provisional(effect: EffectOf<'ims.provisional'>): void;
  answer(effect: EffectOf<'ims.answer'>): void;
  reject(effect: EffectOf<'ims.reject'>): void;
  update(effect: EffectOf<'ims.update'>): void;
  end(effect: EffectOf<'ims.end'>): void;
  keyFrame(effect: EffectOf<'ims.key-frame'>): void;
  locate(effect: EffectOf<'ims.locate'>): void;
  /** A call from the core for one of our bindings; a refusal when it demands what it cannot have. `called`: what is known of the binding. */
  invited(
    owner: CallId,
    called: { binding: BindingId; number: E164 | null },
    call: Call,
    request: SipRequest,
    sdp: string | null,
  ): CallUser | Refusal;
  has(owner: CallId): boolean;
  readonly size: number;
}

export function createCalls(node: MwNode): Calls {
  const entries = new Map<CallId, CallEntry>();

  function add(owner: CallId, call: Call, phase: 'out' | 'in', correlator: string): CallEntry {
    const entry = callEntry(owner, call, phase, correlator);
    entries.set(owner, entry);
    return entry;
  }

  /** Listener of one call. `entry` is asked for late: a call out is known to the agent before it has one. */
  function listener(owner: CallId): CallUser {
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

  /** The dialog stands: what waited for it is said. */
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

  return {
    invite(effect, route, credentials) {
      const { owner, correlator } = effect;
      const icid = node.icid();
      const parts = inviteParts(effect, icid, node.facts);
      if (parts === null) {
        node.emit({ type: 'ims-rejected', owner, outcome: refusedHere(484, reasonPhrase(484)) });
        return;
      }
      const { emergency } = parts;
      const ways = emergency ? node.emergency.ways : null;
      const request = inviteRequest(node, effect, parts, credentials);
      const call = placeCall(
        { agent: node.agent(), timers: node.timers, key: `mw.${owner}.attempt` },
        {
          routes: ways?.routes ?? [route],
          attemptMs: ways?.attemptMs ?? null,
          located: effect.location !== null,
          request(attempt) {
            const known = entries.get(owner);
            if (known !== undefined)
              known.readiness = attempt.precondition ? offeringReadiness(effect.sdp, node.facts) : null;
            return request(attempt);
          },
        },
        listener(owner),
      );
      const entry = add(owner, call, 'out', correlator);
      entry.anonymous = effect.anonymous && !emergency;
      entry.emergency = emergency;
      node.log.info({ ...fieldsOf(entry), emergency, icid }, 'call out');
    },
    provisional({ owner, code, sdp }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      const body = sdp === null ? null : first(entry, sdp);
      const waits: ExtraHeaders = body !== null && entry.readiness?.waits ? [['Require', PRECONDITION]] : [];
      const headers = [...waits, ...entry.answerFields];
      entry.call.provisional({ status: code, reason: reasonPhrase(code), body, headers });
    },
    answer({ owner, ref, sdp }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      if (ref === null) {
        const body = sdp === null ? null : first(entry, sdp);
        if (entry.call.answer(body, entry.answerFields)) entry.phase = 'confirmed';
        return;
      }
      const reoffer = entry.reoffers.get(ref);
      reoffer?.accept(sdp === null ? null : said(entry, sdp, reoffer.sdp));
      entry.reoffers.delete(ref);
      if (reoffer?.sdp != null && entry.readiness?.hears(reoffer.sdp)) node.emit({ type: 'ims-caller-ready', owner });
    },
    reject({ owner, ref, code, phrase }) {
      const reoffers = entries.get(owner)?.reoffers;
      reoffers?.get(ref)?.reject(refusal(code, phrase));
      reoffers?.delete(ref);
    },
    update({ owner, ref, sdp }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      if (entry.call.reinvite(said(entry, sdp, null))) entry.updateRef = ref;
      else node.emit({ type: 'ims-update-failed', owner, ref, outcome: refusedHere(491, reasonPhrase(491)) });
    },
    keyFrame({ owner }) {
      entries.get(owner)?.call.info(KEY_FRAME_WISH);
    },
    locate({ owner, number, location }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      const { anonymous, emergency } = entry;
      entry.location = sentLocation(node, location, { number, anonymous, emergency });
      if (entry.settled) settle(entry);
    },
    end({ owner, code, phrase, reason, contact }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      node.log.info({ ...fieldsOf(entry), code: entry.phase === 'in' ? code : undefined }, 'call ended by us');
      if (entry.phase === 'in') {
        entries.delete(owner);
        const final = code >= 300 ? refusal(code, phrase, contact) : refusal(480, reasonPhrase(480));
        const demand = code === 580 ? entry.readiness?.offer : null;
        entry.call.reject(demand == null ? final : preconditionFailure(demand));
        return;
      }
      const silent = reason === null || (!node.facts.releaseCause && reason.startsWith('RELEASE_CAUSE;'));
      const headers: ExtraHeaders = silent ? [] : [['Reason', reason]];
      const going = entry.call.end(headers);
      // A cancelled INVITE still has its outcome to tell; a BYE has nothing.
      if (entry.phase === 'confirmed' || !going) entries.delete(owner);
    },
    invited(owner, { binding, number }, call, request, sdp) {
      const demand = sdp !== null && namesPreconditions(request) ? sdp : null;
      const refusal = demand === null ? null : refusalOf(request, demand);
      if (refusal !== null) return refusal;
      const given = incomingOf(node, request);
      const entry = add(owner, call, 'in', given.correlator);
      entry.emergency = given.emergency;
      entry.answerFields = answerFields(request, number, node.facts);
      if (demand !== null) entry.readiness = answeringReadiness(demand);
      node.log.info({ ...fieldsOf(entry), icid: icidOf(request) }, 'call in');
      const callerReady = entry.readiness?.waits !== true;
      node.emit({ type: 'ims-invited', owner, binding, sdp, callerReady, ...given });
      return listener(owner);
    },
    has: owner => entries.has(owner),
    get size() {
      return entries.size;
    },
  };
}

function fieldsOf(entry: CallEntry) {
  return { call: entry.owner, sip_call_id: entry.call.callId, correlator: entry.correlator };
}
