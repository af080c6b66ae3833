/** A NOTIFY as its subscriber reads it: whether it may be taken, the dialog it makes, what it says of the subscription. RFC 6665 4.1.3. */
import { type Dialog, takeSeq } from './dialog/dialog.ts';
import { plain } from './dialog/in-dialog.ts';
import type { ResponseSpec } from './dialog/types.ts';
import type { SipRequest } from './message/message.ts';
import { mediaType } from './message/multipart.ts';
import type { SubscriptionState } from './subscription-state.ts';

/** The answer to a NOTIFY that cannot be used, or null. The first one may come before the 2xx and makes the dialog then. */
export function refusalOfNotify(state: SubscriptionState, request: SipRequest): ResponseSpec | null {
  const { headers } = request;
  if (request.method !== 'NOTIFY') return plain(405, 'Method Not Allowed', [['Allow', 'NOTIFY']]);
  const from = headers.from()?.params.get('tag') ?? '';
  if (state.dialog !== null && state.dialog.remoteTag !== from) return plain(481, 'Subscription Does Not Exist');
  const event = (headers.get('Event') ?? '').split(';')[0]?.trim().toLowerCase();
  if (event !== state.event) return plain(489, 'Bad Event', [['Allow-Events', state.event]]);
  if (request.body.length > 0 && mediaType(headers.get('Content-Type') ?? '') !== state.accept) {
    return plain(415, 'Unsupported Media Type', [['Accept', state.accept]]);
  }
  state.dialog ??= dialogOfNotify(state, request);
  return takeSeq(state.dialog, request) ? null : plain(500, 'Request Out of Order', [['Retry-After', '1']]);
}

function dialogOfNotify(state: SubscriptionState, request: SipRequest): Dialog {
  return {
    callId: state.callId,
    localTag: state.fromTag,
    remoteTag: request.headers.from()?.params.get('tag') ?? '',
    local: state.from,
    remote: request.headers.get('From') ?? '',
    localSeq: state.seq,
    remoteSeq: -1,
    target: request.headers.contacts()[0]?.uri ?? state.uri,
    routes: [...request.headers.all('Record-Route')],
    contact: state.contact,
  };
}

/** A Subscription-State value by its parts; times in seconds. RFC 6665 8.2.3. */
export function subscriptionState(value: string) {
  const [state = '', ...params] = value.split(';').map(part => part.trim().toLowerCase());
  const param = (name: string) => params.find(one => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
  const seconds = (text: string | null) => (text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null);
  return {
    state,
    reason: param('reason'),
    expiresS: seconds(param('expires')),
    retryAfterS: seconds(param('retry-after')),
  };
}
