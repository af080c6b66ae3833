/** What is known of one subscription as its subscriber. RFC 6665 4.1. */
import type { Dialog } from './dialog/dialog.ts';
import type { Header } from './dialog/types.ts';
import type { ExtraHeaders, SubscriptionRequest } from './user-agent-types.ts';

export interface SubscriptionState {
  uri: string;
  /** From value with tag, To value without. */
  from: string;
  to: string;
  fromTag: string;
  contact: string;
  route: readonly string[];
  proxy?: string | undefined;
  callId: string;
  event: string;
  accept: string;
  headers: ExtraHeaders;
  expiresS: number;
  t1: number;
  seq: number;
  /** Number of the last SUBSCRIBE; an answer to an older one, that an un-SUBSCRIBE has overtaken, is dropped. */
  id: number;
  /** It waits for its answer; `again`: a refresh was asked for meanwhile. */
  open: boolean;
  again: boolean;
  dialog: Dialog | null;
  /** `leaving`: un-SUBSCRIBE was sent, nothing more is told. */
  phase: 'waiting' | 'active' | 'leaving' | 'ended';
  raised: boolean;
  /** Time asked for last; 0: un-SUBSCRIBE. */
  askedS: number;
  /** Answers to challenges of the SUBSCRIBE on its way, and how many there were. */
  auth: readonly Header[];
  challenges: number;
  /** How long before the end of the granted time the refresh comes, in seconds; 0: nothing was granted. */
  leadS: number;
  /** The last refusal of a refresh since the last grant. */
  refusal: SubscriptionEnd | null;
}

/** A subscription nobody has asked for yet. `localTag` is that of its dialog; `t1` in ms. */
export function newSubscription(
  wanted: Omit<SubscriptionRequest, 'credentials'>,
  { callId, localTag, t1 }: { callId: string; localTag: string; t1: number },
): SubscriptionState {
  const { uri, from, to, contact, route, proxy, event, accept, headers, expiresS } = wanted;
  return {
    uri,
    from: `${from};tag=${localTag}`,
    to,
    fromTag: localTag,
    contact,
    route,
    proxy,
    callId,
    event,
    accept,
    headers,
    expiresS,
    t1,
    seq: 0,
    id: 0,
    open: false,
    again: false,
    dialog: null,
    phase: 'waiting',
    raised: false,
    askedS: 0,
    auth: [],
    challenges: 0,
    leadS: 0,
    refusal: null,
  };
}

/** Why a subscription is over. */
export interface SubscriptionEnd {
  /** Reason of the last NOTIFY, or what went wrong here. RFC 6665 4.1.3. */
  reason: string | null;
  retryAfterS: number | null;
  /** Status of the refused SUBSCRIBE, or 0. */
  status: number;
}
