/** Test help: a notifier with one subscriber, in plain data. RFC 6665 4.2. */
import { createRequest, createResponse } from '../../src/sip/message/build.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { newSubscription, type SubscriptionState } from '../../src/sip/subscription-state.ts';

export interface Notifier {
  /** Subscriptions, each a dialog, by our tag. */
  dialogs: Record<string, Subscribed>;
  /** Dialogs made so far. */
  made: number;
  /** What it tells of: grows with every change. */
  version: number;
}

export interface Subscribed {
  tag: string;
  subscriber: string;
  /** CSeq of the last SUBSCRIBE taken, and of our last NOTIFY. */
  seq: number;
  notifySeq: number;
  grantedS: number;
}

/** What it makes of a SUBSCRIBE that it could take. `forget`: it has lost the dialog. */
export type NotifierMood = 'grant' | 'grant half' | 'challenge' | 'busy' | 'forget';

const CONTACT = '<sip:notifier@192.0.2.2>';

type Fields = Array<[string, string]>;

/** Serves one SUBSCRIBE: changes the dialogs, gives the answer, and the NOTIFY that follows at once (RFC 6665 4.2.1.2). */
export function serveSubscribe(
  notifier: Notifier,
  request: SipRequest,
  mood: NotifierMood,
): { response: SipResponse; notify: SipRequest | null } {
  const { headers } = request;
  const named = headers.to()?.params.get('tag');
  const seq = headers.cseq()?.seq ?? 0;
  const answer = (status: number, more: Fields = [], tag = 'none') => ({
    response: createResponse(request, status, undefined, { toTag: tag, headers: more }),
    notify: null,
  });
  if (typeof named === 'string' && mood === 'forget') delete notifier.dialogs[named];
  const known = typeof named === 'string' ? notifier.dialogs[named] : undefined;
  if (named !== undefined && known === undefined) return answer(481);
  if (known !== undefined && seq <= known.seq) return answer(500);
  const expiresS = headers.number('Expires') ?? 0;
  if (mood === 'busy') return answer(503);
  if (mood === 'challenge') return answer(401, [['WWW-Authenticate', `Digest realm="r", nonce="n${seq}"`]]);
  const dialog = known ?? newDialog(notifier, request);
  dialog.seq = seq;
  dialog.grantedS = mood === 'grant half' ? expiresS / 2 : expiresS;
  const granted: Fields = [
    ['Expires', String(dialog.grantedS)],
    ['Contact', CONTACT],
  ];
  const { response } = answer(200, granted, dialog.tag);
  return { response, notify: expiresS === 0 ? endDialog(notifier, dialog.tag, 'timeout') : notifyOf(notifier, dialog) };
}

function newDialog(notifier: Notifier, { headers }: SipRequest): Subscribed {
  notifier.made += 1;
  const tag = `n${notifier.made}`;
  const dialog = { tag, subscriber: headers.get('From') ?? '', seq: 0, notifySeq: 0, grantedS: 0 };
  notifier.dialogs[tag] = dialog;
  return dialog;
}

/** The NOTIFY of what is so now; its body is the version. */
export function notifyOf(
  notifier: Notifier,
  dialog: Subscribed,
  state = `active;expires=${dialog.grantedS}`,
): SipRequest {
  dialog.notifySeq += 1;
  const headers: Fields = [
    ['From', `<sip:alice@example.com>;tag=${dialog.tag}`],
    ['To', dialog.subscriber],
    ['Call-ID', 'c'],
    ['CSeq', `${dialog.notifySeq} NOTIFY`],
    ['Contact', CONTACT],
    ['Event', 'reg'],
    ['Subscription-State', state],
    ['Content-Type', 'application/reginfo+xml'],
  ];
  return createRequest('NOTIFY', 'sip:alice@192.0.2.1', headers, String(notifier.version));
}

/** Ends a dialog: the last NOTIFY, or null when there is no such dialog. */
export function endDialog(notifier: Notifier, tag: string, reason: string): SipRequest | null {
  const dialog = notifier.dialogs[tag];
  if (dialog === undefined) return null;
  delete notifier.dialogs[tag];
  return notifyOf(notifier, dialog, `terminated;reason=${reason}`);
}

/** The subscriber of the walks, before it asks for anything. */
export function aliceWatches(): SubscriptionState {
  const alice = '<sip:alice@example.com>';
  return newSubscription(
    {
      uri: 'sip:alice@example.com',
      from: alice,
      to: alice,
      contact: '<sip:alice@192.0.2.1>',
      route: [],
      event: 'reg',
      accept: 'application/reginfo+xml',
      headers: [],
      expiresS: 3600,
    },
    { callId: 'c', localTag: 'a', t1: 500 },
  );
}
