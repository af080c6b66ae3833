/** What the SIP side keeps of one call between its dialog and the core. */
import type { CallId, Ref } from '../ep-cscf/ids.ts';
import type { Body, Call, ExtraHeaders, Reoffer } from '../sip/index.ts';
import { sdpBody } from './invite-request.ts';
import type { SentLocation } from './location.ts';
import type { Readiness } from './precondition.ts';

export interface CallEntry {
  owner: CallId;
  call: Call;
  /** `out`: our INVITE has no 2xx yet; `in`: theirs has no final response of ours. */
  phase: 'out' | 'in' | 'confirmed';
  correlator: string;
  /** Call in: fields of our provisional responses and of the 2xx. */
  answerFields: ExtraHeaders;
  /** Our re-INVITE that waits for its answer. */
  updateRef: Ref | null;
  reoffers: Map<Ref, Reoffer>;
  /** Forks that have sent P-Early-Media. */
  spoken: Set<string>;
  anonymous: boolean;
  emergency: boolean;
  /** The 2xx was acknowledged: requests of ours find a dialog. */
  settled: boolean;
  /** Told as soon as it can be. */
  location: SentLocation | null;
  /** Preconditions are in use. */
  readiness: Readiness | null;
}

/** A call that begins: its INVITE is on its way. */
export function callEntry(owner: CallId, call: Call, phase: 'out' | 'in', correlator: string): CallEntry {
  return {
    owner,
    call,
    phase,
    correlator,
    answerFields: [],
    updateRef: null,
    reoffers: new Map(),
    spoken: new Set(),
    anonymous: false,
    emergency: false,
    settled: false,
    location: null,
    readiness: null,
  };
}

/** Our answer to the offer of a call in. */
export function first(entry: CallEntry, sdp: string): Body {
  return said(entry, sdp, entry.readiness?.offer ?? null);
}

/** A description of the media plane's as this call has to say it; `offer` is what it answers. */
export function said(entry: CallEntry, sdp: string, offer: string | null): Body {
  return sdpBody(entry.readiness?.said(sdp, offer) ?? sdp);
}

/** What a log line says of a call. */
export function fieldsOf(entry: CallEntry) {
  return { call: entry.owner, sip_call_id: entry.call.callId, correlator: entry.correlator };
}
