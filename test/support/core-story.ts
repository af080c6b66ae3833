/** Short words for the flow tests: who registers, calls, answers, hangs up. */
import assert from 'node:assert/strict';
import type { Reply, SessionView } from '../../src/ep-cscf/api-request.ts';
import type { ImsEffect } from '../../src/ep-cscf/effect.ts';
import type { DeviceId, E164, MediaSessionId, RegistrationId } from '../../src/ep-cscf/ids.ts';
import type { Input } from '../../src/ep-cscf/input.ts';
import type { Principal } from '../../src/ep-cscf/words.ts';
import { type Ask, browserOffer, imsSdp, type World } from './core-world.ts';

export const ALICE = '+15550100001' as E164;
export const BOB = '+15550100002' as E164;

export function principal(number: E164, clientId = 'demo'): Principal {
  return { clientId, subject: `user-of-${number}`, number, legs: 3 };
}

/** n-th device of a number. */
export function device(n: number): DeviceId {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as DeviceId;
}

/** Registers a device; throws when refused. */
export function register(world: World, number: E164, n: number): RegistrationId {
  const reply = world.ask({
    type: 'register',
    who: principal(number),
    correlator: 'corr-register',
    number,
    deviceId: device(n),
    expiresAt: null,
  });
  assert.ok(reply?.ok && 'registration' in reply, JSON.stringify(reply));
  return reply.registration.registrationId;
}

export function unregister(world: World, number: E164, registrationId: RegistrationId): void {
  const reply = world.ask({
    type: 'unregister',
    who: principal(number),
    correlator: 'corr-unregister',
    registrationId,
  });
  assert.deepEqual(reply, { ok: true });
}

/** A POST of a call; the reply. */
export function originate(
  world: World,
  number: E164,
  registrationId: RegistrationId,
  change: Partial<Extract<Ask, { type: 'originate' }>> = {},
): Reply | null {
  return world.ask({
    type: 'originate',
    who: principal(number),
    correlator: 'corr-call',
    registrationId,
    originator: `tel:${number}`,
    receiver: `tel:${BOB}`,
    originatorName: null,
    receiverName: null,
    offer: browserOffer(),
    callType: null,
    location: null,
    ...change,
  });
}

export interface OutgoingCall {
  id: MediaSessionId;
  owner: Extract<ImsEffect, { type: 'ims.invite' }>['owner'];
}

/** A call out whose INVITE is on its way. */
export function callOut(
  world: World,
  number: E164,
  registrationId: RegistrationId,
  change: Partial<Extract<Ask, { type: 'originate' }>> = {},
): OutgoingCall {
  world.take('ims.invite');
  const session = sessionOf(originate(world, number, registrationId, change));
  const invite = world.take('ims.invite')[0];
  assert.ok(invite !== undefined, 'no INVITE went out');
  return { id: session.mediaSessionId, owner: invite.owner };
}

export function sessionOf(reply: Reply | null): SessionView {
  assert.ok(reply?.ok && 'session' in reply, JSON.stringify(reply));
  return reply.session;
}

export function progress(
  world: World,
  call: OutgoingCall,
  code: number,
  change: Partial<Extract<Input, { type: 'ims-progress' }>> = {},
): void {
  world.give({
    type: 'ims-progress',
    owner: call.owner,
    code,
    phrase: 'Progress',
    fork: 'f1',
    sdp: null,
    earlyMedia: 'unsaid',
    callWaiting: false,
    ...change,
  });
}

export function answerOut(
  world: World,
  call: OutgoingCall,
  sdp: string | null = imsSdp(),
  fork = 'f1',
  calleeName: string | null = null,
): void {
  world.give({ type: 'ims-answered', owner: call.owner, fork, sdp, calleeName });
}

/** A call out that is talking, its media up. */
export function talkingOut(world: World, number: E164, registrationId: RegistrationId): OutgoingCall {
  const call = callOut(world, number, registrationId);
  answerOut(world, call);
  world.give({ type: 'media-connected', owner: call.owner, leg: call.id });
  return call;
}

export function rejectOut(
  world: World,
  call: OutgoingCall,
  code: number,
  change: Partial<Extract<Input, { type: 'ims-rejected' }>['outcome']> = {},
): void {
  world.give({
    type: 'ims-rejected',
    owner: call.owner,
    outcome: { code, phrase: 'Refused', q850: null, local: null, reason: null, ...change },
  });
}

export function put(
  world: World,
  number: E164,
  mediaSessionId: MediaSessionId,
  status: Extract<Ask, { type: 'put-status' }>['status'],
  change: Partial<Extract<Ask, { type: 'put-status' }>> = {},
): Reply | null {
  return world.ask({
    type: 'put-status',
    who: principal(number),
    correlator: 'corr-put',
    mediaSessionId,
    status,
    offer: null,
    answer: null,
    location: null,
    ...change,
  });
}

export function remove(world: World, number: E164, mediaSessionId: MediaSessionId): Reply | null {
  return world.ask({ type: 'end-session', who: principal(number), correlator: 'corr-delete', mediaSessionId });
}

export function get(world: World, number: E164, mediaSessionId: MediaSessionId): Reply | null {
  return world.ask({ type: 'get-session', who: principal(number), mediaSessionId });
}

let callCount = 0;

/** An INVITE for a number from outside; the call's owner and the sessions its devices were invited to. */
export function callIn(
  world: World,
  number: E164,
  change: Partial<Extract<Input, { type: 'ims-invited' }>> = {},
): { owner: OutgoingCall['owner']; sessions: MediaSessionId[] } {
  const binding = [...world.effects].reverse().find(e => e.type === 'ims.register' && e.number === number);
  assert.ok(binding?.type === 'ims.register', 'the number is not registered');
  callCount += 1;
  const owner = `cincoming${callCount}` as OutgoingCall['owner'];
  world.take('event.publish');
  world.give({
    type: 'ims-invited',
    owner,
    binding: binding.owner,
    correlator: 'corr-invite',
    caller: 'tel:+15550109999',
    callerName: 'Bob',
    called: `tel:${number}`,
    sdp: imsSdp(),
    location: null,
    diverted: null,
    emergency: false,
    callerReady: true,
    identity: null,
    ...change,
  });
  const sessions: MediaSessionId[] = [];
  for (const { event } of world.take('event.publish'))
    if (event.kind === 'session-invitation') sessions.push(event.mediaSessionId);
  return { owner, sessions };
}

/** The code of the final SIP response or end the core asked for last, with its Reason. */
export function lastEnd(world: World): Extract<ImsEffect, { type: 'ims.end' }> | undefined {
  return world.take('ims.end').at(-1);
}
