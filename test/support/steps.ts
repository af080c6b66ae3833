/** Steps that most stories through the whole gateway begin with: subscribe, register, dial, change a status. */
import assert from 'node:assert/strict';
import { browserOffer } from './core-world.ts';
import { CALLS, EVENTS, REGISTRATION, type Response, SINK, type WholeGateway } from './whole-gateway.ts';

export const TYPES = ['session-invitation', 'session-status', 'registration-ends'].map(
  name => `org.camaraproject.webrtc-events-subscriptions.v0.${name}`,
);
const NUMBERS: Readonly<Record<string, string>> = { ada: '+15550100001', bela: '+15550100002' };

export function deviceId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** A good request for a subscription to all events of a device. */
export function subscriptionBody(n: number, change: object = {}): Record<string, unknown> {
  return {
    protocol: 'HTTP',
    sink: SINK,
    types: TYPES,
    config: { subscriptionDetail: { deviceId: deviceId(n) } },
    ...change,
  };
}

export async function subscribe(g: WholeGateway, who: string, n: number, sink = SINK): Promise<string> {
  const made = await g.call(who, 'POST', `${EVENTS}/subscriptions`, subscriptionBody(n, { sink }));
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id;
}

export async function register(g: WholeGateway, who: string, n: number): Promise<string> {
  const made = await g.call(who, 'POST', `${REGISTRATION}/sessions`, { deviceId: deviceId(n) });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.registrationId;
}

/** Subscribed and registered; the `registrationId`. */
export async function ready(g: WholeGateway, who: string, n: number): Promise<string> {
  await subscribe(g, who, n);
  return register(g, who, n);
}

export function dial(
  g: WholeGateway,
  who: string,
  registrationId: string,
  receiver = 'tel:+15550109000',
  change: object = {},
): Promise<Response> {
  const body = { originatorAddress: `tel:${NUMBERS[who]}`, receiverAddress: receiver, offer: { sdp: browserOffer() } };
  const headers = { registrationId, 'x-correlator': 'call-1' };
  return g.call(who, 'POST', `${CALLS}/sessions`, { ...body, ...change }, headers);
}

/** A call out of Ada's first device that was made; its `mediaSessionId`. */
export async function dialled(g: WholeGateway): Promise<string> {
  const made = await dial(g, 'ada', await ready(g, 'ada', 1));
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await g.settle();
  return made.body.mediaSessionId;
}

/** A call in for Ada's first device; its `mediaSessionId`. */
export async function invited(g: WholeGateway): Promise<string> {
  await ready(g, 'ada', 1);
  g.network.invite('+15550100001');
  await g.settle();
  return g.delivered.at(-1)?.event.data.mediaSessionId;
}

export function put(g: WholeGateway, who: string, id: string, body: unknown): Promise<Response> {
  return g.call(who, 'PUT', `${CALLS}/sessions/${id}/status`, body);
}

/** `seq status` of what reached the sinks for a session. */
export function story(g: WholeGateway, id: string): string[] {
  return g.delivered
    .filter(({ event }) => event.data.mediaSessionId === id)
    .map(({ event }) => `${event.data.sequenceNumber} ${event.data.status}`);
}
