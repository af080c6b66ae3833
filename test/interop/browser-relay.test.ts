/** Chromium on our own media engine, under either SRTP profile: hears its own tone, is rung, comes back, and is missed when it goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADA, BELA, ECHO } from '../support/number.ts';
import { dial, leave, MICROPHONE_HZ, openStage, type Stage, signIn, waitText, waitTone } from './browser-support.ts';

/** Figures of the media engine by event, as the operator sees them. */
async function figures(stage: Stage): Promise<Map<string, number>> {
  const text = await (await fetch(`${stage.sandbox.operations}/metrics`)).text();
  const found = text.matchAll(/media_events_total\{event="([^"]+)"[^}]*\} (\d+)/g);
  return new Map([...found].map(([, event = '', value = '0']) => [event, Number(value)]));
}

for (const [srtp, event, host] of [
  ['AES_CM_128_HMAC_SHA1_80', 'leg-profile-cm', '127.0.0.51'],
  ['AEAD_AES_128_GCM', 'leg-profile-gcm', '127.0.0.52'],
] as const) {
  test(`${srtp}: a caller hears its own tone, and two browsers hear each other`, async t => {
    const stage = await openStage(host, { media: { srtp: [srtp] } });
    t.after(() => stage.close());
    const ada = await signIn(await stage.profile(), stage.sandbox.pages, ADA);
    await dial(ada, ECHO);
    await waitText(ada, 'status', /^Connected$/);
    await waitTone(ada, MICROPHONE_HZ);
    await ada.getByTestId('hangup-button').click();
    assert.equal(await waitText(ada, 'end-reason', /\./), 'You hung up.');
    assert.equal((await figures(stage)).get(event), 1);

    const bela = await signIn(await stage.profile(), stage.sandbox.pages, BELA);
    await dial(ada, BELA);
    // A call that fails says why here; the far page would only stay silent.
    await waitText(ada, 'status', /^Ringing…$/);
    await bela.getByTestId('answer-button').click();
    await waitText(ada, 'status', /^Connected$/);
    await Promise.all([waitTone(ada, MICROPHONE_HZ), waitTone(bela, MICROPHONE_HZ)]);
    await bela.getByTestId('hangup-button').click();
    await waitText(ada, 'status', /^Call ended$/);
    const counted = await figures(stage);
    assert.equal(counted.get(event), 3);
    for (const bad of [
      'leg-tag',
      'leg-replay',
      'leg-malformed',
      'leg-handshake-failed',
      'leg-check-refused',
      'port-fault',
    ])
      assert.equal(counted.get(bad) ?? 0, 0, bad);
    await leave(bela);
  });
}
