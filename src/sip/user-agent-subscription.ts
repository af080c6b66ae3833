/** Drives one subscription machine: its effects become transactions, timers and calls of its user. RFC 6665. */
import type { RequestSpec } from './dialog/types.ts';
import type { SipRequest } from './message/message.ts';
import { handleSubscription, type SubscriptionEffect, type SubscriptionInput } from './subscription.ts';
import { newSubscription } from './subscription-state.ts';
import type { TransactionKey } from './transaction/types.ts';
import { createAuthorizer } from './user-agent-auth.ts';
import { responseOf } from './user-agent-message.ts';
import type { SingleHost } from './user-agent-single.ts';
import { performTimer } from './user-agent-timer.ts';
import type { Subscription, SubscriptionRequest, SubscriptionUser } from './user-agent-types.ts';

export interface SubscriptionDriver extends Subscription {
  readonly localTag: string;
  /** A request in the subscription's dialog. */
  request(key: TransactionKey, request: SipRequest): void;
}

/** Subscribes at once. `id` is unique in the agent; `onGone` runs when nothing more is taken. */
export function createSubscriptionDriver(
  host: SingleHost,
  id: string,
  wanted: SubscriptionRequest,
  user: SubscriptionUser,
  t1: number,
  onGone: (driver: SubscriptionDriver) => void,
): SubscriptionDriver {
  const callId = host.randomHex(16);
  const localTag = host.randomHex(8);
  const state = newSubscription(wanted, { callId, localTag, t1 });
  const authorize = createAuthorizer(wanted.credentials, host.randomHex);
  const open = new Map<TransactionKey, SipRequest>();

  function input(next: SubscriptionInput): void {
    const out: SubscriptionEffect[] = [];
    handleSubscription(state, next, out);
    for (const effect of out) perform(effect);
  }

  function perform(effect: SubscriptionEffect): void {
    switch (effect.type) {
      case 'send':
        send(effect.id, effect.spec);
        return;
      case 'respond': {
        const request = open.get(effect.key);
        open.delete(effect.key);
        if (request !== undefined)
          host.layer().respond(effect.key, responseOf(request, effect.spec, localTag, host.product));
        return;
      }
      case 'start-timer':
      case 'stop-timer':
        performTimer(host.timers, id, effect, input);
        return;
      case 'notified':
        user.onNotified(effect.request);
        return;
      case 'ended':
        user.onSubscriptionEnded(effect.end);
        return;
      case 'gone':
        onGone(driver);
        return;
      default:
        effect satisfies never;
    }
  }

  function send(sendId: number, wished: RequestSpec): void {
    const spec = authorize.ahead(wished);
    host.sender().send(spec, {
      onResponse: response =>
        input({ type: 'response', id: sendId, response, authorization: authorize.answer(response, spec) }),
      onFailure: cause => input({ type: 'failure', id: sendId, cause }),
    });
  }

  const driver: SubscriptionDriver = {
    callId,
    localTag,
    request(key, request) {
      open.set(key, request);
      input({ type: 'notify', key, request });
    },
    refresh: () => input({ type: 'subscribe' }),
    end: () => input({ type: 'unsubscribe' }),
  };
  // Not from inside this call: the user has to know its subscription before it hears of it.
  host.timers.start(`${id}.s`, 0, () => input({ type: 'subscribe' }));
  return driver;
}
