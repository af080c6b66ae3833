/** One registered user agent: its dialogs, and the flow they go by now. They outlive the flow: a device that comes back in time goes on with them. */
import type { EventEffect } from '../ep-cscf/effect.ts';
import type { CallId, MediaSessionId } from '../ep-cscf/ids.ts';
import {
  createTransactionLayer,
  createUserAgent,
  type DrivenTransactionLayer,
  type ParseResult,
  type Refusal,
  type SipRequest,
  type Target,
} from '../sip/index.ts';
import type { CloseCause, Flow } from './flow.ts';
import { createIncoming } from './incoming.ts';
import type { Line, Registered } from './line.ts';
import { type DoorNode, ownContact } from './node.ts';
import { createOutgoing } from './outgoing.ts';
import type { Access } from './ports.ts';
import type { Session, SessionEvent } from './session.ts';

export interface Device extends Registered {
  /** Of the token it has shown last. */
  access: Access;
  /** URI of its Contact. */
  contact: string;
  readonly flow: Flow | null;
  /** True once `end` was called. */
  readonly over: boolean;
  /** A message from its flow; `refused`: what a request is answered because of its token. */
  receive(result: ParseResult, refused: Refusal | null): void;
  /** It has come, or come back, by this flow. */
  join(flow: Flow): void;
  /** Its flow is gone: it has the grace to come back. */
  lost(): void;
  /** Whether a session's events are this device's to hear. */
  expects(session: MediaSessionId): boolean;
  hear(effect: EventEffect, event: SessionEvent): void;
  /** The registration is over, or the device away for too long: its calls end. `cause`: so does its flow. */
  end(cause: CloseCause | null): void;
  sizes(): { calls: number; transactions: number };
}

const AWAY = new Error('the user agent is away');

/** `onGone`: it did not come back in time, or its registration turned out to be over. */
export function createDevice(
  node: DoorNode,
  made: Registered & Pick<Device, 'access' | 'contact'>,
  onGone: (why: 'away' | 'ended') => void,
): Device {
  const sessions = new Map<MediaSessionId, Session>();
  const dialling = new Set<Session>();
  /** Invitations that wait for the device to come back. */
  const held = new Map<MediaSessionId, EventEffect>();
  const refusals = new WeakMap<SipRequest, Refusal>();
  const graceKey = `w2 ${made.registrationId}`;
  let flow: Flow | null = null;
  let target: Target = { transport: 'wss', host: '', port: 0 };
  let over = false;

  // The layer calls the agent, and is made by it.
  const driven = (): DrivenTransactionLayer => layer as DrivenTransactionLayer;
  let layer: DrivenTransactionLayer | null = null;
  const agent = createUserAgent({
    user: {
      screen: request => refusals.get(request) ?? 'accept',
      onInvite: (call, request, sdp) => createOutgoing(line, call, request, sdp),
      log: (level, message, fields) => node.log[level](fields, message),
    },
    layer(user) {
      layer = createTransactionLayer({
        ...node.layerParts(),
        wire: {
          send(packet, _target, sent) {
            const left = flow?.send(packet) ?? false;
            if (!left && sent !== null) queueMicrotask(() => sent(AWAY));
          },
          sentBy: () => node.sentBy(),
        },
        user,
      });
      return node.counted(layer);
    },
    timers: node.timers,
    now: node.now,
    // Whatever a Contact names, its `.invalid` host or another's: requests go down the flow. RFC 7118 5.4, RFC 5626 5.3.
    locate: (_uri, tell) => tell([target]),
    contact: () => ownContact(node),
    randomHex: node.randomHex,
  });

  const ask = { who: made.who, ref: node.ids.ref, correlator: node.ids.uuid };
  const line: Line = {
    ...made,
    node,
    agent,
    sessions,
    dialling,
    get contact() {
      return device.contact;
    },
    put: (mediaSessionId, status, { offer = null, answer = null }) =>
      node.core.ask({
        type: 'put-status',
        who: ask.who,
        ref: ask.ref(),
        correlator: ask.correlator(),
        mediaSessionId,
        status,
        offer,
        answer,
        location: null,
      }),
    endSession(mediaSessionId) {
      const { who } = made;
      void node.core.ask({ type: 'end-session', who, ref: ask.ref(), correlator: ask.correlator(), mediaSessionId });
    },
    hold,
    unregistered() {
      onGone('ended');
      end('ended');
    },
  };

  function hold(invitation: EventEffect): void {
    const { event } = invitation;
    if (event.kind === 'registration-ends') return;
    if (over) undeliverable(event.mediaSessionId, invitation);
    else if (flow?.open !== true) held.set(event.mediaSessionId, invitation);
    else sessions.set(event.mediaSessionId, createIncoming(line, invitation, event));
  }

  function undeliverable(leg: MediaSessionId, { owner }: EventEffect): void {
    node.core.emit({ type: 'invitation-undeliverable', owner: owner as CallId, leg });
  }

  function end(cause: CloseCause | null): void {
    over = true;
    node.timers.stop(graceKey);
    for (const [leg, invitation] of held) undeliverable(leg, invitation);
    held.clear();
    for (const session of new Set([...dialling, ...sessions.values()])) session.end();
    if (cause !== null) flow?.close(cause);
  }

  const device: Device = {
    ...made,
    get flow() {
      return flow;
    },
    get over() {
      return over;
    },
    receive(result, refused) {
      if (refused !== null && result.ok && result.message.type === 'request') refusals.set(result.message, refused);
      driven().receive(result, target);
    },
    join(next) {
      const before = flow;
      flow = next;
      target = next.source;
      node.timers.stop(graceKey);
      if (before !== null && before !== next) before.close('replaced');
      const waiting = [...held.values()];
      held.clear();
      for (const invitation of waiting) hold(invitation);
    },
    lost() {
      const { connection = '' } = target;
      flow = null;
      for (const session of [...dialling]) session.end();
      driven().broken(target, connection);
      node.timers.start(graceKey, node.graceMs, () => {
        end(null);
        onGone('away');
      });
    },
    expects: session => sessions.has(session) || held.has(session),
    hear(effect, event) {
      const session = sessions.get(event.mediaSessionId);
      if (event.kind === 'session-invitation' && !event.final) hold(effect);
      else if (session !== undefined) session.hear(event);
      else if (event.final) held.delete(event.mediaSessionId);
    },
    end,
    sizes: () => ({ calls: agent.sizes().calls, transactions: driven().size }),
  };
  return device;
}
