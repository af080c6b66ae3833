/** What every media engine must do behind the media plane; run against the one in memory and the real ones. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MediaPlane } from '../../src/eims-agw/media-plane.ts';
import type { Log, MediaSettings } from '../../src/eims-agw/settings.ts';
import type { CallId } from '../../src/ep-cscf/ids.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import type { BrowserPeer } from './media-browser.ts';
import { videoComesAndGoes } from './media-contract-video.ts';
import { callId, type Inbox, legId, nextRef } from './media-inbox.ts';
import { chromiumOffer, phoneSdp } from './media-sdp.ts';

export interface ContractEngine {
  plane: MediaPlane;
  box: Inbox;
  /** Lines of its log, those of least weight too. */
  lines: ReadonlyArray<Parameters<Log>>;
  /** Ends the engine's first worker the hard way. */
  kill(): void;
  close(): Promise<void>;
}

export interface ContractOptions {
  name: string;
  /** SRTP that the core offers is taken: `srtp` of the IMS side is `accept`. */
  build(settings: Partial<MediaSettings>): Promise<ContractEngine>;
  /** A browser for this engine. */
  browser(): BrowserPeer;
  /** Address of the far end, inside the media prefixes. */
  phoneHost: string;
  /** Its sessions have one browser transport, which all ringing devices are offered, and another for their picture. */
  oneTransport?: boolean;
}

const LEG = legId('leg-1');
let calls = 0;
const newCall = (): CallId => {
  calls += 1;
  return callId(`contract-${calls}`);
};

export function mediaContract(options: ContractOptions): void {
  const { name, phoneHost } = options;
  let engine: ContractEngine;
  const offerOut = async (owner: CallId, sdp: string) => {
    engine.plane.port.run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp });
    return (await engine.box.wait('media-ready')).sdp;
  };
  const answerOut = async (owner: CallId, port: number) => {
    const sdp = phoneSdp({ address: phoneHost, port });
    engine.plane.port.run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'f', sdp });
    return (await engine.box.wait('media-ready')).sdp;
  };
  const release = async (owner: CallId) => {
    engine.plane.port.run({ type: 'media.release', owner });
    return (await engine.box.wait('media-stats')).stats;
  };
  before(async () => {
    engine = await options.build({ sessionsPerWorker: 4, videoKbps: 690 });
  });
  after(() => engine.close());

  test(`API-01 ${name}: a call out connects, its answer stays the same, its end leaves nothing`, async () => {
    const owner = newCall();
    const browser = options.browser();
    const offer = await offerOut(owner, await browser.offer());
    assert.match(offer, /m=audio \d*[02468] RTP\/AVP 8 0 126\r\n/);
    const answer = await answerOut(owner, 40_000);
    assert.equal(await answerOut(owner, 40_002), answer);
    await browser.accept(answer);
    assert.deepEqual(await engine.box.wait('media-connected'), { type: 'media-connected', owner, leg: LEG });
    assert.equal(engine.plane.health().sessions, 1);
    const stats = await release(owner);
    assert.deepEqual([stats.codec, stats.fromWeb.packets, stats.fromIms.packets], ['PCMA', 0, 0]);
    await browser.close();
    assert.deepEqual([engine.plane.sizes().sessions, engine.plane.health().sessions], [0, 0]);
  });

  test(`API-01 ${name}: a call in rings two devices and connects the one that answers`, async () => {
    const owner = newCall();
    const legs = [legId('leg-a'), legId('leg-b')];
    const sdp = phoneSdp({ address: phoneHost, formats: [0, 8] });
    engine.plane.port.run({ type: 'media.offer', from: 'ims', owner, ref: nextRef(), legs, sdp });
    const { offers } = await engine.box.wait('media-offers');
    const transports = new Set(offers.map(o => /a=ice-ufrag:(.*)\r/.exec(o.sdp)?.[1]));
    assert.equal(transports.size, options.oneTransport === true ? 1 : 2);
    const browser = options.browser();
    const answer = await browser.answer(offers[1]?.sdp ?? '');
    engine.plane.port.run({
      type: 'media.answer',
      from: 'web',
      owner,
      ref: nextRef(),
      leg: legId('leg-b'),
      sdp: answer,
    });
    assert.match((await engine.box.wait('media-ready')).sdp, /m=audio \d+ RTP\/AVP 0 101\r\n/);
    engine.plane.port.run({ type: 'media.select', owner, leg: legId('leg-b') });
    assert.equal((await engine.box.wait('media-connected')).leg, legId('leg-b'));
    await release(owner);
    await browser.close();
    assert.equal(engine.plane.health().sessions, 0);
  });

  test(`API-01 ${name}: bad SDP, no codec and a wrong address fail as values`, async () => {
    const owner = newCall();
    const fails = async (sdp: string) => {
      engine.plane.port.run({ type: 'media.offer', from: 'ims', owner, ref: nextRef(), legs: [LEG], sdp });
      return (await engine.box.wait('media-failed')).failure;
    };
    assert.equal(await fails('nonsense'), 'bad-sdp');
    assert.equal(await fails(phoneSdp({ address: phoneHost, formats: [18] })), 'no-codec');
    assert.equal(await fails(phoneSdp({ address: '198.51.100.1' })), 'unsupported');
    await release(owner);
  });

  test(`API-01 ANN-04 ${name}: what there is no file for is said not to be played, and the call goes on`, async () => {
    const owner = newCall();
    await offerOut(owner, chromiumOffer());
    engine.plane.port.run({ type: 'media.play', owner, side: 'web', name: 'nothing', repeat: false });
    assert.deepEqual(await engine.box.wait('media-playing'), {
      type: 'media-playing',
      owner,
      side: 'web',
      name: 'nothing',
      ms: null,
    });
    assert.notEqual(await answerOut(owner, 40_004), '');
    await release(owner);
  });

  test(`API-01 ${name}: one call too many is refused, and taken once another ended`, async () => {
    const owners = [newCall(), newCall(), newCall(), newCall()];
    const ports = new Set<string>();
    for (const owner of owners) ports.add(/m=audio (\d+)/.exec(await offerOut(owner, chromiumOffer()))?.[1] ?? '');
    assert.equal(ports.size, 4);
    const late = newCall();
    engine.plane.port.run({
      type: 'media.offer',
      from: 'web',
      owner: late,
      ref: nextRef(),
      leg: LEG,
      sdp: chromiumOffer(),
    });
    assert.equal((await engine.box.wait('media-failed')).failure, 'overload');
    await release(late);
    await release(owners[0] ?? late);
    await offerOut(late, chromiumOffer());
    for (const owner of [...owners.slice(1), late]) await release(owner);
    assert.equal(engine.plane.health().sessions, 0);
  });

  test(`SDP-25 ${name}: a call in with keys has one key of ours, also when theirs is another, and none is in the log`, async () => {
    const owner = newCall();
    const keys = [1, 2].map(byte => Buffer.alloc(30, byte).toString('base64'));
    const offers = keys.map((key, i) => {
      const plain = phoneSdp({ address: phoneHost, formats: [8], version: i + 1 });
      const line = `a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:${key}\r\n`;
      return plain.replace(/(RTP\/)(AVP .*\r\n)/, (_, rtp, rest) => `${rtp}S${rest}${line}`);
    });
    const { run } = engine.plane.port;
    run({ type: 'media.offer', from: 'ims', owner, ref: nextRef(), legs: [LEG], sdp: offers[0] ?? '' });
    const browser = options.browser();
    const sdp = await browser.answer((await engine.box.wait('media-offers')).offers[0]?.sdp ?? '');
    run({ type: 'media.answer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp });
    const keyed = /RTP\/SAVP 8 [\s\S]*a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:(\S{40})\r\n/;
    const [, ours = ''] = keyed.exec((await engine.box.wait('media-ready')).sdp) ?? [];
    assert.ok(ours !== '' && !keys.includes(ours));
    run({ type: 'media.select', owner, leg: LEG });
    await engine.box.wait('media-connected');
    run({ type: 'media.reoffer', from: 'ims', owner, ref: nextRef(), sdp: offers[1] ?? '' });
    assert.equal(keyed.exec((await engine.box.wait('media-ready')).sdp)?.[1], ours);
    await release(owner);
    await browser.close();
    const log = JSON.stringify(engine.lines);
    for (const key of [ours, ...keys]) assert.ok(!log.includes(key));
  });

  test(`SDP-21 ${name}: video has ports of its own, leaves a call and is asked for again, is refused and taken`, () =>
    videoComesAndGoes(engine, newCall(), phoneHost, options.oneTransport === true));

  test(`API-01 ${name}: hostile but well-formed SDP of a browser harms nobody`, async () => {
    for (const offer of [
      chromiumOffer({ ufrag: 'a'.repeat(256), pwd: 'b'.repeat(256) }),
      chromiumOffer({ candidates: Array.from({ length: 30 }, (_, i) => `${i} 1 udp 1 127.0.0.1 ${i + 1} typ host`) }),
      chromiumOffer({
        candidates: ['1 1 udp 1 999.1.1.1 5000 typ host', '1 1 udp 1 ::::: 5000 typ host', '1 1 udp 1 127.0.0.1 5000'],
      }),
      chromiumOffer().replace('a=mid:0', `a=mid:${'z'.repeat(64)}`),
      chromiumOffer({ setup: 'active' }),
      chromiumOffer({ setup: 'passive' }),
    ]) {
      const owner = newCall();
      await offerOut(owner, offer);
      const answer = parseSdp(await answerOut(owner, 40_010));
      assert.ok(answer.ok);
      await release(owner);
    }
    assert.equal(engine.plane.health().ok, true);
    assert.deepEqual(
      engine.box.all.filter(input => input.type === 'media-lost'),
      [],
    );
  });

  test(`API-01 ${name}: a worker killed loses its calls, and the next call works`, async () => {
    const owner = newCall();
    await offerOut(owner, chromiumOffer());
    engine.kill();
    assert.deepEqual(await engine.box.wait('media-lost'), { type: 'media-lost', owner, cause: 'worker' });
    await release(owner);
    const next = newCall();
    for (let tries = 0; !engine.plane.health().ok; tries += 1) {
      if (tries > 500) throw new Error('no worker came back');
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    await offerOut(next, chromiumOffer());
    await release(next);
  });
}
