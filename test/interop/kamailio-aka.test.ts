/** Lineside as an IMS client with a SIM in software: registered by AKA with a real core. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { simKeysOf } from '../../lab/hss/subscriber.ts';
import { type LabBench, metric, startLabBench, until } from '../support/lab-bench.ts';
import { ADA } from '../support/number.ts';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

const folder = mkdtempSync(join(tmpdir(), 'lineside-sims-'));
let bench: LabBench;

before(async () => {
  const { k, opc } = simKeysOf(Number(ADA));
  const identityFile = join(folder, 'sims.json');
  writeFileSync(identityFile, JSON.stringify({ [ADA]: { k: k.toString('hex'), opc: opc.toString('hex') } }));
  const ims = { mode: 'client', impi: 'isim-{digits}@{home}', identityFile, registerExpiresS: 10 };
  bench = await startLabBench('127.0.0.93', '127.0.0.94', { ims }, 'pcscf');
});
after(async () => {
  await bench?.close();
  rmSync(folder, { recursive: true });
});

const registers = () => metric(bench.sandbox, 'ims_register_total{outcome="ok",sip_code="200"}');

test('AKA-01 a number registers by AKAv1-MD5 with a real core, and is refreshed', async () => {
  await bench.registered(ADA);
  assert.deepEqual((await bench.core.subscriber(ADA)).registeredImpis, [`isim-15550100001@${HOME}`]);
  const before = await registers();
  await until(async () => (await registers()) >= before + 2, 'two refreshes', 20_000);
});
