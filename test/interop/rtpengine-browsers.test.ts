/**
 * Chromium and Firefox over rtpengine, with a real phone that speaks one codec: tones both ways, digits across clocks,
 * calls out and in. The phone has telephone events at 8 kHz alone and AMR in whole octets alone; events at 16 kHz and
 * the other layout are those of the phone in rtpengine-codecs.test.ts. Why a call is refused is heard on the page.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { certificate } from '../support/certificate.ts';
import { FIREFOX_HZ, type Firefox, startFirefox } from '../support/firefox.ts';
import { type NetworkNamespace, openNamespace } from '../support/network-namespace.ts';
import { ADA, BELA, BUSY, CHIDI, DOLORES } from '../support/number.ts';
import { type Phone, type PhoneCodec, startPhone } from '../support/phone.ts';
import { rtpengineDaemon, type TestDaemon } from '../support/rtpengine.ts';
import { until } from '../support/talk.ts';
import { toneWav } from '../support/tone.ts';
import {
  type AnyPage,
  choose,
  dial,
  MICROPHONE_HZ,
  openStage,
  press,
  type Stage,
  signIn,
  waitText,
  waitTone,
} from './browser-support.ts';
import { seen } from './phone-support.ts';

const NG_HOST = '127.0.71.11';
const [BELA_HZ, DOLORES_HZ, BUSY_HZ] = [800, 600, 500];
/** Long enough to be recorded on the page. */
const BUSY_SECONDS = 6;

let network: NetworkNamespace;
let folder: string;
let daemon: TestDaemon;
let stage: Stage;
let firefox: Firefox;
let [ada, chidi]: AnyPage[] = [];

before(async () => {
  network = openNamespace();
  const { outside } = network;
  folder = mkdtempSync(join(tmpdir(), 'lineside-tls-'));
  const tls = certificate(folder, [outside]);
  daemon = await rtpengineDaemon(NG_HOST, 25_400, 2, outside);
  const busy = join(folder, 'busy.wav');
  writeFileSync(busy, toneWav(BUSY_HZ, BUSY_SECONDS));
  const settings = {
    ims: {
      realms: [
        { name: 'open', prefixes: ['+'] },
        { name: 'secret', prefixes: [CHIDI], media: { imsSrtp: 'require' } },
      ],
    },
    media: {
      engine: 'rtpengine',
      imsSrtp: 'offer',
      imsCodecs: ['AMR-WB', 'AMR', 'G722', 'opus', 'PCMA', 'PCMU'],
      announcements: [`486=${busy}`],
    },
    rtpengine: { daemons: [daemon.name] },
  };
  [stage, firefox] = await Promise.all([openStage(outside, settings, tls), startFirefox(network)]);
  ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
  const page = await (await firefox.profile()).newPage();
  await page.goto(`${stage.sandbox.pages}/softphone/`);
  await choose(page, CHIDI);
  chidi = page;
});
after(async () => {
  await firefox?.close();
  await stage?.close();
  await daemon?.close();
  network?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const phoneOf = (number: string, toneHz: number, codec: PhoneCodec, srtp: boolean) =>
  startPhone({
    registrar: network.outside,
    host: network.outside,
    number,
    toneHz,
    codec,
    ...(srtp ? { srtp: 'srtp-mand' } : {}),
  });

/** The page's call as it is talked. */
async function talk(page: AnyPage, phone: Phone, hz: { page: number; phone: number }): Promise<void> {
  await waitText(page, 'status', /^Connected$/);
  await Promise.all([
    waitTone(page, hz.phone),
    until(() => phone.heard().hz === hz.page, `${hz.page} Hz at the phone of ${phone.number}`),
  ]);
}

const key = (page: AnyPage, digit: string) =>
  page.evaluate(wanted => {
    const keys = [...document.querySelectorAll<HTMLButtonElement>('#digit-pad button')];
    keys.find(button => button.textContent?.startsWith(wanted))?.click();
  }, digit);

async function pressKeys(page: AnyPage, phone: Phone): Promise<void> {
  await press(page, 'keypad-button');
  const digits = ['7', '#'];
  for (const digit of digits) await key(page, digit);
  const got = () => phone.events.filter(({ type }) => type === 'CALL_DTMF_START').map(({ param }) => param);
  await until(() => got().length === digits.length, 'two digits at the phone');
  assert.deepEqual(got(), digits);
}

/** Codecs whose clock is that of the phone's events: with others its digits are tones. */
const WITH_EVENTS: ReadonlySet<PhoneCodec> = new Set<PhoneCodec>(['AMR', 'G722', 'PCMA']);

/** Chromium calls its phone, which has no SRTP and passes over the offer of it. */
async function callOut(page: AnyPage, codec: PhoneCodec): Promise<void> {
  const phone = await phoneOf(BELA, BELA_HZ, codec, false);
  try {
    await dial(page, BELA);
    await phone.waitFor('CALL_INCOMING');
    await phone.accept();
    await talk(page, phone, { page: MICROPHONE_HZ, phone: BELA_HZ });
    const [invite] = seen(phone.wire(), /^INVITE /);
    assert.match(invite?.body ?? '', /^m=audio \d+ RTP\/AVP [\s\S]*^a=acap:1 crypto:1 /m);
    if (WITH_EVENTS.has(codec)) await pressKeys(page, phone);
    await phone.hangUp();
    assert.equal(await waitText(page, 'end-reason', /\./), 'The other side hung up.');
  } finally {
    await phone.close();
  }
}

/** Firefox is called by its phone, which has nothing but SRTP. */
async function callIn(page: AnyPage, codec: PhoneCodec): Promise<void> {
  const phone = await phoneOf(DOLORES, DOLORES_HZ, codec, true);
  try {
    await phone.dial(CHIDI);
    await waitText(page, 'caller', new RegExp(`\\${DOLORES}$`));
    await press(page, 'answer-button');
    await phone.waitFor('CALL_ESTABLISHED');
    await talk(page, phone, { page: FIREFOX_HZ, phone: DOLORES_HZ });
    const [answered] = seen(phone.wire(), /^SIP\/2\.0 200 /, /^CSeq: \d+ INVITE/m);
    assert.match(answered?.body ?? '', /^m=audio \d+ RTP\/SAVP [\s\S]*^a=crypto:\d+ AES_CM_128_HMAC_SHA1_\d+ inline:/m);
    await press(page, 'hangup-button');
    await phone.waitFor('CALL_CLOSED');
  } finally {
    await phone.close();
  }
}

for (const codec of ['AMR-WB', 'AMR', 'G722', 'opus', 'PCMA'] as const) {
  test(`RTE-14 ${codec} of a phone: Chromium calls one, another calls Firefox; tones both ways, digits`, async () => {
    assert.ok(ada !== undefined && chidi !== undefined);
    await Promise.all([callOut(ada, codec), callIn(chidi, codec)]);
    const spoken = () => stage.log().match(new RegExp(`"codec":"${codec}"`, 'gi'))?.length ?? 0;
    await until(() => spoken() === 2, `two calls that ended with ${codec}`);
  });
}

test('SDP-25 where SRTP is required Firefox calls a phone with keys in SDP, both hear; a phone without is refused 488 and nothing rings', async () => {
  const page = chidi;
  assert.ok(page !== undefined);
  const phone = await phoneOf(DOLORES, DOLORES_HZ, 'PCMA', true);
  const plain = await phoneOf(BELA, BELA_HZ, 'PCMA', false);
  try {
    await plain.dial(CHIDI);
    assert.match((await plain.waitFor('CALL_CLOSED')).param ?? '', /^488/);
    assert.equal(await page.evaluate(hasCall, ''), false);
    await dial(page, DOLORES);
    await phone.waitFor('CALL_INCOMING');
    await phone.accept();
    await talk(page, phone, { page: FIREFOX_HZ, phone: DOLORES_HZ });
    const [invite] = seen(phone.wire(), /^INVITE /);
    assert.match(invite?.body ?? '', /^m=audio \d+ RTP\/SAVP [\s\S]*^a=crypto:1 /m);
    await phone.hangUp();
    assert.equal(await waitText(page, 'end-reason', /\./), 'The other side hung up.');
  } finally {
    await Promise.all([phone.close(), plain.close()]);
  }
});

test('ANN-01 Chromium hears from a file that a number is busy, then the page says so', async () => {
  const page = ada;
  assert.ok(page !== undefined);
  await dial(page, BUSY);
  await until(() => page.evaluate(hasCall, ''), 'a call on the page');
  await waitTone(page, BUSY_HZ);
  assert.equal(await waitText(page, 'end-reason', /\./), 'The other side is busy.');
});

const hasCall = () =>
  (globalThis as unknown as { lineside: { client: { calls: Map<string, unknown> } } }).lineside.client.calls.size > 0;
