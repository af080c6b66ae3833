/** When a daemon is asked to play a file, and what is made of its answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CallState, callState, type Play } from './call-state.ts';
import { nextPlay, played, playRequest } from './play.ts';
import type { StreamEffect } from './stream.ts';

const BUSY = { name: '486', file: '/srv/busy.wav' };
const play = (more: Partial<Play> = {}): Play => ({
  type: 'play',
  session: 7,
  side: 'web',
  what: BUSY,
  repeat: false,
  ...more,
});

function call(): CallState {
  const habits = { web: 'web', ims: 'ims', family: 'IP4', advertised: new Map(), natLatch: false } as const;
  return callState({ session: 7, callId: 'c', kind: 'audio', habits, nobodysKey: '', imsSilentMs: 1 });
}

test('ANN-04 a browser is played to once it is connected, the IMS side at once', () => {
  const waiting = call();
  waiting.plays.set('web', play());
  assert.equal(nextPlay(waiting), null);
  waiting.plays.set('ims', play({ side: 'ims' }));
  assert.equal(nextPlay(waiting)?.play.side, 'ims');
  waiting.plays.delete('ims');
  waiting.watch.web.state = 'up';
  assert.equal(nextPlay(waiting)?.play.side, 'web');
});

test('ANN-04 the request names the party that hears it; null ends what is played', () => {
  assert.deepEqual(playRequest('c', play()), {
    command: 'play media',
    'call-id': 'c',
    'from-tag': 'web',
    file: BUSY.file,
  });
  const again = playRequest('c', play({ repeat: true }));
  assert.ok('repeat-times' in again && Number(again['repeat-times']) > 1000);
  assert.deepEqual(playRequest('c', play({ what: null })), {
    command: 'stop media',
    'call-id': 'c',
    'from-tag': 'web',
  });
});

test('ANN-04 its length is told; that it cannot be played too, and the call goes on', () => {
  const told = (reply: Parameters<typeof played>[2], asked = play()) => {
    const out: StreamEffect[] = [];
    const state = call();
    state.plays.set('web', asked);
    played(state, { play: asked }, reply, out);
    assert.equal(state.plays.size, 0);
    return out.map(effect => (effect.type === 'event' ? effect.event : effect.type));
  };
  const playing = (ms: number | null) => ({ type: 'playing', session: 7, side: 'web', name: '486', ms });
  assert.deepEqual(told({ ok: true, reason: 'ok', body: { duration: 2000 } }), [playing(2000)]);
  assert.deepEqual(told({ ok: false, reason: 'Failed to start', body: {} }), ['trouble', playing(null)]);
  assert.deepEqual(told(null), ['trouble', playing(null)]);
  assert.deepEqual(told({ ok: true, reason: 'ok', body: {} }, play({ what: null })), []);
});

test('ANN-04 what was wished for meanwhile is still to be played, and only that is told of', () => {
  const state = call();
  const [first, next] = [play(), play({ what: null })];
  state.plays.set('web', next);
  const out: StreamEffect[] = [];
  for (const ok of [true, false]) played(state, { play: first }, { ok, reason: 'r', body: { duration: 1 } }, out);
  assert.equal(state.plays.get('web'), next);
  assert.deepEqual(out, []);
});

test('ANN-02 an end that the daemon did not answer is asked for again until it does; a refusal is told, but for what is silent already', () => {
  const state = call();
  const stop = play({ side: 'ims', what: null });
  state.plays.set('ims', stop);
  const out: StreamEffect[] = [];
  for (let n = 0; n < 3; n += 1) {
    played(state, { play: stop }, null, out);
    assert.equal(nextPlay(state)?.play, stop);
  }
  played(state, { play: stop }, { ok: false, reason: 'Not currently playing media', body: {} }, out);
  assert.deepEqual([nextPlay(state), out], [null, []]);
  state.plays.set('ims', stop);
  played(state, { play: stop }, { ok: false, reason: 'No media', body: {} }, out);
  assert.deepEqual([nextPlay(state), out], [null, [{ type: 'trouble', what: 'stop media', reason: 'No media' }]]);
});
