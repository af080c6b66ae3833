/** SRTP towards the core on a daemon, which makes its own key: the far end is told it before it has told its own, and it stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeDaemon } from '../../../test/support/rtpengine-fake.ts';
import type { EngineCommand, EngineEvent, ImsTarget, SdesKey } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { readReply, writeRequest } from './ng.ts';
import { callSession, handle, type SessionEffect, type SessionInput } from './session.ts';

const NOBODYS = Buffer.alloc(30, 1).toString('base64');
const THEIRS: SdesKey = { suite: 'AES_CM_128_HMAC_SHA1_32', key: Buffer.alloc(30, 2).toString('base64') };
const LATER: SdesKey = { ...THEIRS, key: Buffer.alloc(30, 3).toString('base64') };
const TARGET: ImsTarget = { address: '127.0.0.9', port: 4000, rtcpAddress: '127.0.0.9', rtcpPort: 4001 };
const END = {
  mid: '0',
  ice: { ufrag: 'theirs00', pwd: 'theirs000000000000000000' },
  fingerprint: { algorithm: 'sha-256' as const, value: Array<string>(32).fill('B2').join(':') },
  setup: 'actpass' as const,
  candidates: [],
};
const RULE = { in: 8, out: 8, kind: 'speech' as const, from: PCMA, to: PCMA };
const VP8 = { name: 'VP8', clock: 90_000, channels: 1, fmtp: null };
const GATES = { toImsOpen: true, toWebOpen: true };

/** A call with a daemon in memory. */
function world() {
  const daemon = fakeDaemon('127.0.0.1', () => 0);
  let heard = '';
  const wire = daemon.wire({ datagram: bytes => (heard = Buffer.from(bytes).toString()), refused: () => undefined });
  const habits = { web: 'web', ims: 'ims', family: 'IP4', advertised: new Map(), natLatch: false } as const;
  const call = callSession({
    session: 1,
    callId: 'c',
    kind: 'audio',
    habits,
    nobodysKey: NOBODYS,
    imsSilentMs: 1_000,
  });
  const events: EngineEvent[] = [];
  const troubles: string[] = [];
  let cookie = 0;
  const give = (input: SessionInput) => {
    const out: SessionEffect[] = [];
    handle(call, input, 0, out);
    for (const effect of out) {
      if (effect.type === 'event') events.push(effect.event);
      if (effect.type === 'trouble') troubles.push(`${effect.what}: ${effect.reason}`);
      if (effect.type !== 'ask') continue;
      wire.send(writeRequest(`k${cookie++}`, effect.request));
      const read = readReply(Buffer.from(heard));
      assert.ok(read);
      give({ type: 'reply', reply: read.reply, of: effect.of });
    }
  };
  const command = (what: EngineCommand) => give({ type: 'command', command: what });
  /** What the daemon was told of the IMS side last, in a call of its own. */
  const told = (id = 'c') => String(daemon.requests.findLast(r => r.command === 'offer' && r['call-id'] === id)?.sdp);
  const answeredAs = (id = 'c') =>
    daemon.requests.findLast(r => r.command === 'answer' && r['call-id'] === id)?.['transport protocol'];
  const route = (sdes: SdesKey | null, picture: SdesKey | null = null) =>
    command({
      type: 'route',
      session: 1,
      route: {
        leg: 1,
        target: sdes === null ? TARGET : { ...TARGET, sdes },
        toIms: [RULE],
        toWeb: [RULE],
        ...GATES,
        supervise: false,
        video:
          picture === null
            ? null
            : {
                target: { ...TARGET, sdes: picture },
                toIms: [{ in: 96, out: 96, kind: 'video', from: VP8, to: VP8 }],
                toWeb: [],
                ...GATES,
                feedback: true,
                orientation: null,
              },
      },
    });
  const open = (sdes?: SdesKey['suite'], keyLater = false) =>
    command({
      type: 'open',
      session: 1,
      op: 1,
      place: { realm: null, family: 'IP4' },
      legs: [{ leg: 1, ssrc: 1, cname: 'c' }],
      ...(sdes === undefined ? {} : { sdes }),
      ...(keyLater ? { keyLater } : {}),
    });
  /** DTLS is up: before, the daemon is told nothing new. */
  const up = () => {
    daemon.verified = true;
    give({ type: 'look', of: call.sound });
    if (call.picture !== null) give({ type: 'look', of: call.picture });
  };
  const ours = () => {
    const opened = events.find(event => event.type === 'opened');
    return opened?.type === 'opened' ? opened.ims.key : undefined;
  };
  return { daemon, events, troubles, command, told, answeredAs, route, open, up, ours };
}

test('SDP-25 the key of the daemon is known when a call opens, and is the same once the far end has told its own', () => {
  const w = world();
  w.open(THEIRS.suite);
  const key = w.ours();
  assert.match(key ?? '', /^[A-Za-z0-9+/]{40}$/);
  assert.ok(w.told().includes(`a=crypto:1 ${THEIRS.suite} inline:${NOBODYS}\r\n`));
  w.command({ type: 'connect', session: 1, op: 2, leg: 1, remote: END });
  // Who the far end is is not known yet; plain RTP would cost the key.
  assert.match(w.told(), /RTP\/SAVP /);
  w.up();
  w.route(THEIRS);
  assert.match(w.told(), /m=audio 4000 RTP\/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:AgIC/);
  assert.equal(w.answeredAs(), 'RTP/SAVP');
  w.route(LATER);
  assert.ok(w.told().includes(`inline:${LATER.key}\r\n`));
  assert.deepEqual(w.troubles, []);
  assert.ok(w.events.some(event => event.type === 'connecting'));
});

test('SDP-25 a daemon that browsers are offered is answered by them alone: its key comes when one connects, that of a picture with it', () => {
  const w = world();
  w.open(THEIRS.suite, true);
  w.command({ type: 'add-video', session: 1, op: 2, sdes: LATER.suite, keyLater: true });
  assert.equal(w.ours(), undefined);
  assert.ok(!w.daemon.requests.some(({ command }) => command === 'answer'));
  w.command({ type: 'connect', session: 1, op: 3, leg: 1, remote: { ...END, video: { ...END, mid: '1' } } });
  const connecting = w.events.find(event => event.type === 'connecting');
  assert.ok(connecting?.type === 'connecting');
  assert.match(connecting.key ?? '', /^[A-Za-z0-9+/]{40}$/);
  assert.match(connecting.videoKey ?? '', /^[A-Za-z0-9+/]{40}$/);
  assert.notEqual(connecting.key, connecting.videoKey);
  w.up();
  w.route(THEIRS, LATER);
  assert.ok(w.told().includes(`inline:${THEIRS.key}\r\n`));
  assert.deepEqual(w.troubles, []);
});

test('SDP-25 a far end that took plain RTP gets that; a call without keys opens as ever', () => {
  const w = world();
  w.open(THEIRS.suite);
  w.command({ type: 'connect', session: 1, op: 2, leg: 1, remote: END });
  w.up();
  w.route(null);
  assert.match(w.told(), /RTP\/AVP /);
  assert.ok(!w.told().includes('crypto'));
  const plain = world();
  plain.open();
  assert.equal(plain.ours(), undefined);
  assert.deepEqual(
    plain.daemon.requests.slice(0, 2).map(({ command }) => command),
    ['offer', 'query'],
  );
});

test('SDP-25 a daemon that has another key than the far end was told loses the call, and says no key of it', () => {
  const w = world();
  w.open(THEIRS.suite);
  w.command({ type: 'connect', session: 1, op: 2, leg: 1, remote: END });
  w.up();
  w.daemon.keys = 'others';
  w.route(THEIRS);
  assert.ok(w.events.some(event => event.type === 'lost'));
  assert.deepEqual(w.troubles, ['answer: the reply lacks a codec, an address or the key']);
});

test('SDP-25 a picture has a key of its own, and feedback is protected too', () => {
  const w = world();
  w.open(THEIRS.suite);
  w.command({ type: 'add-video', session: 1, op: 3, sdes: LATER.suite });
  const added = w.events.find(event => event.type === 'video-added');
  assert.ok(added?.type === 'video-added' && added.ims.key !== undefined);
  assert.notEqual(added.ims.key, w.ours());
  w.command({ type: 'connect', session: 1, op: 4, leg: 1, remote: { ...END, video: { ...END, mid: '1' } } });
  w.up();
  w.route(THEIRS, LATER);
  const [, id = ''] = w.daemon.calls;
  assert.match(w.told(id), /m=video 4000 RTP\/SAVPF 96\r\na=crypto:1 .* inline:AwMD/);
  assert.equal(w.answeredAs(id), 'RTP/SAVPF');
  w.command({ type: 'close', session: 1 });
  assert.deepEqual(w.troubles, []);
});

test('SDP-25 a picture that was refused is asked for again: its transport stays, under whatever protection it then has', () => {
  for (const [first, then] of [
    [THEIRS.suite, 'AES_CM_128_HMAC_SHA1_80'],
    [THEIRS.suite, undefined],
    [undefined, THEIRS.suite],
  ] as const) {
    const w = world();
    w.open(THEIRS.suite, true);
    w.command({ type: 'connect', session: 1, op: 2, leg: 1, remote: END });
    w.up();
    w.route(THEIRS);
    const add = (op: number, sdes: SdesKey['suite'] | undefined, kept: boolean) =>
      w.command({
        type: 'add-video',
        session: 1,
        op,
        ...(sdes && { sdes, keyLater: true as const }),
        ...(kept && { kept }),
      });
    add(3, first, false);
    w.command({ type: 'drop-video', session: 1, kept: true });
    add(4, then, true);
    const [asked, again] = w.events.filter(event => event.type === 'video-added');
    assert.ok(asked?.type === 'video-added' && again?.type === 'video-added');
    assert.deepEqual(again.transport, asked.transport);
    assert.equal(w.daemon.calls.size, 2);
    w.command({ type: 'connect', session: 1, op: 5, leg: 1, remote: { ...END, video: { ...END, mid: '1' } } });
    const connecting = w.events.findLast(event => event.type === 'connecting');
    assert.ok(connecting?.type === 'connecting');
    assert.equal(connecting.videoKey !== undefined, then !== undefined);
    const [, id = ''] = w.daemon.calls;
    assert.equal(w.told(id).includes(`${then} inline:`), then !== undefined);
    assert.deepEqual(w.troubles, []);
  }
});
