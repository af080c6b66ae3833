/** A page behind a NAT: the NAT's address and all its ports change in a call, and the sound goes on. RFC 8445 7.3, RFC 7675. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { certificate } from '../support/certificate.ts';
import { type Nat, openNat } from '../support/nat.ts';
import { ADA, ECHO } from '../support/number.ts';
import { until } from '../support/talk.ts';
import { dial, MICROPHONE_HZ, openStage, press, type Stage, signIn, waitText, waitTone } from './browser-support.ts';

let nat: Nat;
let folder: string;
let stage: Stage;

before(async () => {
  nat = openNat();
  folder = mkdtempSync(join(tmpdir(), 'lineside-nat-'));
  stage = await openStage(nat.outside, {}, certificate(folder, [nat.outside]), nat);
});
after(async () => {
  await stage?.close();
  nat?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

test('ICE-13 the address and port of a page change in a call: it hears itself on, in the same call over the same connection', async () => {
  const ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
  await dial(ada, ECHO);
  await waitText(ada, 'status', /^Connected$/);
  await waitTone(ada, MICROPHONE_HZ);
  assert.equal(await counted('media_events_total{event="leg-source-moved"}'), 0);
  nat.rebind();
  await until(async () => (await counted('media_events_total{event="leg-source-moved"}')) === 1, 'a new source');
  await waitTone(ada, MICROPHONE_HZ);
  // Not by a new connection of the page.
  const done = (command: string) => counted(`media_command_duration_seconds_count{command="${command}",outcome="ok"}`);
  assert.deepEqual([await done('media.offer'), await done('media.reoffer')], [1, 0]);
  await press(ada, 'hangup-button');
  assert.equal(await waitText(ada, 'end-reason', /\./), 'You hung up.');
});

/** What the gateway has counted so far. */
async function counted(line: string): Promise<number> {
  const text = await (await fetch(`${stage.sandbox.operations}/metrics`)).text();
  const found = text.split('\n').find(each => each.startsWith(`${line} `) || each.startsWith(`lineside_${line} `));
  return Number(found?.split(' ').at(-1) ?? 0);
}
