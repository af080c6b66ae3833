/** From a closed network a call has sound: Chromium and Firefox behind a firewall that lets out the pages and one port of coturn, under TLS, TCP and UDP. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Coturn, startCoturn } from '../../lab/coturn.ts';
import { certificate } from '../support/certificate.ts';
import { FIREFOX_HZ, type Firefox, startFirefox } from '../support/firefox.ts';
import { closeBut, type Opening, refusedDatagrams } from '../support/firewall.ts';
import { type NetworkNamespace, openNamespace } from '../support/network-namespace.ts';
import { ADA, BELA, ECHO } from '../support/number.ts';
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

const SECRET = 'a-secret-of-gateway-and-relay';
/** Firefox opens TURN over TLS by name only. */
const NAME = 'turn.lineside.test';

let network: NetworkNamespace;
let folder: string;
let coturn: Coturn;
let stage: Stage;
let firefox: Firefox;
let ada: Page;

before(async () => {
  network = openNamespace();
  const { outside, outside2: relay } = network;
  network.nameHost(relay, NAME);
  folder = mkdtempSync(join(tmpdir(), 'lineside-turn-'));
  const tls = certificate(folder, [outside, NAME]);
  coturn = await startCoturn({ address: relay, peer: outside, secrets: [SECRET], tls });
  const urls = [
    `turn:${relay}:3478?transport=udp`,
    `turn:${relay}:3478?transport=tcp`,
    `turns:${NAME}:443?transport=tcp`,
  ];
  [stage, firefox] = await Promise.all([
    openStage(outside, { turn: { urls, secret: SECRET } }, tls, network),
    startFirefox(network),
  ]);
  letOut('tcp', 443);
  ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
});
after(async () => {
  await firefox?.close();
  await stage?.close();
  await coturn?.stop();
  network?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** The pages, and one port of coturn. */
function letOut(kind: Opening['kind'], port: number): void {
  closeBut(network, [
    { address: network.outside, kind: 'tcp', ports: [9091, 9092] },
    { address: network.outside2, kind, ports: [port] },
  ]);
}

/** How the browser's end of the call in use is reached: `relay tls`, `host` ... */
function route(page: AnyPage): Promise<string> {
  return page.evaluate(async kind => {
    type Stats = Record<string, string | boolean>;
    const { client } = (globalThis as unknown as { lineside: { client: { calls: Map<string, Call> } } }).lineside;
    interface Call {
      getStats(): Promise<Map<unknown, Stats>>;
    }
    const stats = (await [...client.calls.values()][0]?.getStats()) ?? new Map<unknown, Stats>();
    const all = [...stats.values()];
    // Chromium names the pair in use at the transport, Firefox marks it.
    const named = stats.get(all.find(({ type }) => type === 'transport')?.['selectedCandidatePairId']);
    const pair = named ?? all.find(({ type, selected }) => type === kind && selected === true);
    const local = stats.get(pair?.['localCandidateId']);
    return `${local?.['candidateType']} ${local?.['relayProtocol'] ?? ''}`.trim();
  }, 'candidate-pair');
}

for (const [name, kind, port] of [
  ['tls', 'tcp', 443],
  ['tcp', 'tcp', 3478],
  ['udp', 'udp', 3478],
] as const) {
  test(`ICE-08 where only the pages and ${kind} ${port} of coturn are let out, a caller hears its own tone`, async () => {
    letOut(kind, port);
    await dial(ada, ECHO);
    await waitText(ada, 'status', /^Connected$/);
    await waitTone(ada, MICROPHONE_HZ);
    assert.equal(await route(ada), `relay ${name}`);
    // The firewall had something to do: the direct way was tried.
    assert.ok(refusedDatagrams(network) > 0);
    await press(ada, 'hangup-button');
    assert.equal(await waitText(ada, 'end-reason', /\./), 'You hung up.');
  });
}

test('ICE-08 Chromium and Firefox behind TCP 443 call each other, also after a reload', async () => {
  letOut('tcp', 443);
  const bela = await (await firefox.profile()).newPage();
  await bela.goto(`${stage.sandbox.pages}/softphone/`);
  await choose(bela, BELA);
  await dial(ada, BELA);
  await waitText(bela, 'caller', /./);
  await press(bela, 'answer-button');
  const bothTalk = async () => {
    for (const page of [ada, bela]) await waitText(page, 'status', /^Connected$/);
    await Promise.all([waitTone(ada, FIREFOX_HZ), waitTone(bela, MICROPHONE_HZ)]);
    for (const page of [ada, bela]) assert.equal(await route(page), 'relay tls');
  };
  await bothTalk();
  await ada.reload();
  await bothTalk();
  await press(bela, 'hangup-button');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'The other side hung up.');
});

test('ICE-10 neither the secret nor a credential is in the log of the gateway', () => {
  const log = stage.log();
  assert.ok(log.includes('webrtc-ice-servers'));
  assert.ok(!log.includes(SECRET));
  assert.doesNotMatch(log, /\d{10}:[0-9a-f]{8}-/);
});
