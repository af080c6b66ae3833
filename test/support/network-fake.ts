/** Plays the core network and the media plane for the gateway in memory: answers what answers itself, leaves calls to the test. */
import assert from 'node:assert/strict';
import type { ImsEffect, MediaEffect } from '../../src/ep-cscf/effect.ts';
import type { BindingId, CallId } from '../../src/ep-cscf/ids.ts';
import type { Input, MediaFailure } from '../../src/ep-cscf/input.ts';
import type { Emit, ImsPort, MediaPlanePort } from '../../src/ep-cscf/ports.ts';
import type { Outcome } from '../../src/ep-cscf/words.ts';
import { browserOffer, imsSdp } from './core-world.ts';

export interface Network {
  ims: ImsPort;
  media: MediaPlanePort;
  /** Everything the core asked the IMS for. */
  effects: ImsEffect[];
  /** What the media plane answers. */
  mediaFailure: MediaFailure | null;
  /** REGISTER: `ok`, `silent`, or a status code. */
  register: 'ok' | 'silent' | number;
  /** The core's last INVITE. */
  lastCall(): CallId;
  /** The binding of a number. */
  bindingOf(number: string): BindingId;
  /** A call in for a number; its id. */
  invite(number: string, caller?: string): CallId;
  give(input: Input): void;
  progress(call: CallId, code: number, sdp?: string | null): void;
  answered(call: CallId): void;
  rejected(call: CallId, code: number, phrase: string): void;
  ended(call: CallId): void;
  /** Hears and says nothing more. */
  cut(): void;
}

export function outcomeOf(code: number, phrase: string): Outcome {
  return { code, phrase, q850: null, local: null, reason: null };
}

export function createNetwork(emit: Emit): Network {
  let alive = true;
  let calls = 0;
  const bindings = new Map<string, BindingId>();
  const unanswered = new Set<CallId>();
  const give = (input: Input): void => {
    if (alive) emit(input);
  };

  function runIms(effect: ImsEffect): void {
    network.effects.push(effect);
    switch (effect.type) {
      case 'ims.register':
        bindings.set(effect.number, effect.owner);
        if (network.register === 'silent') return;
        if (network.register === 'ok') {
          const associated = [`sip:${effect.number}@ims.example.com`];
          give({ type: 'ims-registered', owner: effect.owner, ref: effect.ref, expiresS: 3600, associated });
        } else {
          const outcome = outcomeOf(network.register, 'Refused');
          const { owner, ref } = effect;
          give({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: null, unanswered: false });
        }
        return;
      case 'ims.deregister':
        give({ type: 'ims-deregistered', owner: effect.owner, ref: effect.ref, confirmed: true });
        return;
      case 'ims.invite':
        unanswered.add(effect.owner);
        return;
      case 'ims.end':
        if (unanswered.delete(effect.owner)) {
          give({ type: 'ims-rejected', owner: effect.owner, outcome: outcomeOf(487, 'Request Terminated') });
        }
        return;
      case 'ims.update':
        give({ type: 'ims-updated', owner: effect.owner, ref: effect.ref, sdp: imsSdp('recvonly') });
        return;
      default:
        return;
    }
  }

  function runMedia(effect: MediaEffect): void {
    const { owner } = effect;
    if (effect.type === 'media.release') {
      const leg = { packets: 1, bytes: 160, lost: 0, jitterMs: 0, farLost: 0, roundTripMs: null, mos: 4.4 };
      give({
        type: 'media-stats',
        owner,
        stats: { codec: 'PCMA', path: null, oneWay: null, fromWeb: leg, fromIms: leg },
      });
      return;
    }
    if (!('ref' in effect)) return;
    const { ref } = effect;
    if (network.mediaFailure !== null) give({ type: 'media-failed', owner, ref, failure: network.mediaFailure });
    else if (effect.type === 'media.offer' && effect.from === 'ims') {
      const offers = effect.legs.map(leg => ({ leg, sdp: browserOffer('g') }));
      give({ type: 'media-offers', owner, ref, offers, answer: effect.commit ? imsSdp() : null });
    } else {
      const toBrowser = effect.type === 'media.answer' ? effect.from === 'ims' : false;
      const toBrowserAgain = effect.type === 'media.reoffer' && effect.from === 'web';
      give({ type: 'media-ready', owner, ref, sdp: toBrowser || toBrowserAgain ? browserOffer('s') : imsSdp() });
    }
  }

  const network: Network = {
    ims: { run: runIms },
    media: { run: runMedia },
    effects: [],
    mediaFailure: null,
    register: 'ok',
    lastCall() {
      const found = network.effects.findLast(effect => effect.type === 'ims.invite');
      assert.ok(found !== undefined, 'no INVITE has left');
      return found.owner;
    },
    bindingOf(number) {
      const found = bindings.get(number);
      assert.ok(found !== undefined, 'the number is not registered');
      return found;
    },
    invite(number, caller = 'tel:+15550109999') {
      calls += 1;
      const owner = `cin${calls}` as CallId;
      give({
        type: 'ims-invited',
        owner,
        binding: network.bindingOf(number),
        correlator: `in-${calls}`,
        caller,
        callerName: null,
        called: `tel:${number}`,
        sdp: imsSdp(),
        location: null,
        diverted: null,
        emergency: false,
        callerReady: true,
        identity: null,
      });
      return owner;
    },
    give,
    progress(owner, code, sdp = null) {
      const phrase = 'Progress';
      const earlyMedia = 'unsaid';
      give({ type: 'ims-progress', owner, code, phrase, fork: 'f1', sdp, earlyMedia, callWaiting: false });
    },
    answered(owner) {
      unanswered.delete(owner);
      give({ type: 'ims-answered', owner, fork: 'f1', sdp: imsSdp(), calleeName: null });
    },
    rejected(owner, code, phrase) {
      unanswered.delete(owner);
      give({ type: 'ims-rejected', owner, outcome: outcomeOf(code, phrase) });
    },
    ended(owner) {
      give({ type: 'ims-ended', owner, outcome: outcomeOf(0, '') });
    },
    cut() {
      alive = false;
    },
  };
  return network;
}
