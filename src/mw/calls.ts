/** The SIP side of calls: effects of the core become requests and responses. IMS digest 3 to 5. */

import type { ImsEffect } from '../ep-cscf/effect.ts';
import type { BindingId, CallId, E164 } from '../ep-cscf/ids.ts';
import {
  type Call,
  type CallUser,
  type Credentials,
  type ExtraHeaders,
  type Refusal,
  reasonPhrase,
  type SipRequest,
} from '../sip/index.ts';
import { answerFields } from './answer-fields.ts';
import { type CallEntry, callEntry, fieldsOf, first, said } from './call-entry.ts';
import { createCallUsers } from './call-user.ts';
import { icidOf } from './charging.ts';
import { inviteParts } from './headers.ts';
import { incomingOf } from './incoming.ts';
import { inviteRequest, sentLocation } from './invite-request.ts';
import { KEY_FRAME_WISH } from './key-frame.ts';
import type { MwNode } from './node.ts';
import { refusedHere } from './outcome.ts';
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
  const users = createCallUsers(node, entries);

  function add(owner: CallId, call: Call, phase: 'out' | 'in', correlator: string): CallEntry {
    const entry = callEntry(owner, call, phase, correlator);
    entries.set(owner, entry);
    return entry;
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
        users.of(owner),
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
      if (entry.settled) users.settle(entry);
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
      return users.of(owner);
    },
    has: owner => entries.has(owner),
    get size() {
      return entries.size;
    },
  };
}
