/** The SIP side of calls: effects of the core become requests and responses, what the network says becomes inputs. IMS digest 3 to 5. */
import type { BindingId, CallId, Ref } from '../ep-cscf/ids.ts';
import type { ImsEffect } from '../ep-cscf/ports.ts';
import {
  type Body,
  type Call,
  type CallUser,
  type Credentials,
  type ExtraHeaders,
  type Reoffer,
  reasonPhrase,
  type SipRequest,
  uriOf,
} from '../sip/index.ts';
import { gateOf } from './early-media.ts';
import { callContact, inviteParts, ownUri } from './headers.ts';
import { calledOf, callerOf } from './identity.ts';
import type { MwNode } from './node.ts';
import { outcomeOfEnd, outcomeOfFailure, outcomeOfRequest, refusedHere } from './outcome.ts';

type EffectOf<T extends ImsEffect['type']> = Extract<ImsEffect, { type: T }>;

interface Entry {
  owner: CallId;
  call: Call;
  /** `out`: our INVITE has no 2xx yet; `in`: theirs has no final response of ours. */
  phase: 'out' | 'in' | 'confirmed';
  correlator: string;
  /** Our re-INVITE that waits for its answer. */
  updateRef: Ref | null;
  reoffers: Map<Ref, Reoffer>;
  /** Forks that have sent P-Early-Media. */
  spoken: Set<string>;
}

export interface Calls {
  invite(effect: EffectOf<'ims.invite'>, route: readonly string[], credentials: Credentials | undefined): void;
  provisional(effect: EffectOf<'ims.provisional'>): void;
  answer(effect: EffectOf<'ims.answer'>): void;
  reject(effect: EffectOf<'ims.reject'>): void;
  update(effect: EffectOf<'ims.update'>): void;
  end(effect: EffectOf<'ims.end'>): void;
  /** A call from the core for one of our bindings. */
  invited(owner: CallId, binding: BindingId, call: Call, request: SipRequest, sdp: string | null): CallUser;
  has(owner: CallId): boolean;
  readonly size: number;
}

const CORRELATOR = /^[a-zA-Z0-9\-_:;./<>{}]{1,256}$/;

export function createCalls(node: MwNode): Calls {
  const entries = new Map<CallId, Entry>();

  function add(owner: CallId, call: Call, phase: 'out' | 'in', correlator: string): Entry {
    const entry: Entry = { owner, call, phase, correlator, updateRef: null, reoffers: new Map(), spoken: new Set() };
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
        const earlyMedia = gateOf(response, reliable, entry.spoken.has(fork), node.earlyMedia, sdp !== null);
        if (response.headers.has('P-Early-Media')) entry.spoken.add(fork);
        learnRoute(response.headers.all('Record-Route').at(-1), response.headers.contacts()[0]?.uri);
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
        node.emit({ type: 'ims-answered', owner, fork: heard.fork, sdp: heard.sdp });
      },
      onRejected(failure) {
        const entry = take(owner);
        if (entry === undefined) return;
        const outcome = outcomeOfFailure(failure);
        node.log.info({ ...fieldsOf(entry), outcome: outcome.local ?? outcome.code }, 'call out not answered');
        // The 2xx crossed our CANCEL: it was acknowledged and ended by BYE.
        if (failure.cause === 'cancelled') node.emit({ type: 'ims-ended', owner, outcome: refusedHere(0, '') });
        else node.emit({ type: 'ims-rejected', owner, outcome });
      },
      onCancelled(cancel) {
        const entry = take(owner);
        if (entry === undefined) return;
        node.log.info(fieldsOf(entry), 'call in cancelled');
        node.emit({ type: 'ims-cancelled', owner, outcome: outcomeOfRequest(cancel) });
      },
      onAcked: sdp => {
        if (entries.has(owner)) node.emit({ type: 'ims-acked', owner, sdp });
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

  function take(owner: CallId): Entry | undefined {
    const entry = entries.get(owner);
    entries.delete(owner);
    return entry;
  }

  function takeUpdate(owner: CallId): Ref | null {
    const entry = entries.get(owner);
    const ref = entry?.updateRef ?? null;
    if (entry !== undefined) entry.updateRef = null;
    return ref;
  }

  function learnRoute(hop: string | undefined, target: string | undefined): void {
    const uri = hop === undefined ? target : uriOf(hop);
    if (uri !== undefined) void node.learn(uri);
  }

  function contactOf(owner: CallId): string {
    return callContact(ownUri(owner, node.hostPort(node.transport), node.transport));
  }

  return {
    invite(effect, route, credentials) {
      const { owner, correlator } = effect;
      const parts = inviteParts(effect, node.icid(), node.facts);
      if (parts === null) {
        node.emit({ type: 'ims-rejected', owner, outcome: refusedHere(484, reasonPhrase(484)) });
        return;
      }
      const { uri, from, to, fields } = parts;
      const answer = credentials === undefined ? {} : { credentials };
      const call = node.agent().call(
        {
          uri,
          from,
          to,
          route,
          proxy: node.proxy,
          contact: contactOf(owner),
          headers: fields,
          body: sdpBody(effect.sdp),
          ...answer,
        },
        listener(owner),
      );
      const entry = add(owner, call, 'out', correlator);
      node.log.info(fieldsOf(entry), 'call out');
      if (effect.location !== null) node.log.debug(fieldsOf(entry), 'location is not sent in SIP');
    },
    provisional({ owner, code, sdp }) {
      const body = sdp === null ? null : sdpBody(sdp);
      entries.get(owner)?.call.provisional({ status: code, reason: reasonPhrase(code), body });
    },
    answer({ owner, ref, sdp }) {
      const entry = entries.get(owner);
      const body = sdp === null ? null : sdpBody(sdp);
      if (entry === undefined) return;
      if (ref === null) {
        if (entry.call.answer(body)) entry.phase = 'confirmed';
        return;
      }
      entry.reoffers.get(ref)?.accept(body);
      entry.reoffers.delete(ref);
    },
    reject({ owner, ref, code, phrase }) {
      const reoffers = entries.get(owner)?.reoffers;
      reoffers?.get(ref)?.reject({ status: code, reason: phrase });
      reoffers?.delete(ref);
    },
    update({ owner, ref, sdp }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      if (entry.call.reinvite(sdpBody(sdp))) entry.updateRef = ref;
      else node.emit({ type: 'ims-update-failed', owner, ref, outcome: refusedHere(491, reasonPhrase(491)) });
    },
    end({ owner, code, phrase, reason }) {
      const entry = entries.get(owner);
      if (entry === undefined) return;
      node.log.info({ ...fieldsOf(entry), code: entry.phase === 'in' ? code : undefined }, 'call ended by us');
      if (entry.phase === 'in') {
        entries.delete(owner);
        const final = code >= 300 ? { status: code, reason: phrase } : { status: 480, reason: reasonPhrase(480) };
        entry.call.reject(final);
        return;
      }
      const headers: ExtraHeaders = reason === null ? [] : [['Reason', reason]];
      const going = entry.call.end(headers);
      // A cancelled INVITE still has its outcome to tell; a BYE has nothing.
      if (entry.phase === 'confirmed' || !going) entries.delete(owner);
    },
    invited(owner, binding, call, request, sdp) {
      const named = node.facts.correlatorHeader === '' ? undefined : request.headers.get(node.facts.correlatorHeader);
      const correlator = named !== undefined && CORRELATOR.test(named) ? named : node.ids.uuid();
      const entry = add(owner, call, 'in', correlator);
      node.log.info(fieldsOf(entry), 'call in');
      learnRoute(request.headers.all('Record-Route')[0], request.headers.contacts()[0]?.uri);
      const called = calledOf(request);
      node.emit({ type: 'ims-invited', owner, binding, correlator, ...callerOf(request), called, sdp, location: null });
      return listener(owner);
    },
    has: owner => entries.has(owner),
    get size() {
      return entries.size;
    },
  };
}

function fieldsOf(entry: Entry) {
  return { call: entry.owner, sip_call_id: entry.call.callId, correlator: entry.correlator };
}

function sdpBody(content: string): Body {
  return { contentType: 'application/sdp', content };
}
