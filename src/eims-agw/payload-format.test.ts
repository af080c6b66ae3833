/** When two payload formats are one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PayloadFormat } from './engine.ts';
import { PCMA, PCMU, parametersOf, sameFormat } from './payload-format.ts';

const format = (name: string, clock: number, fmtp: string | null = null, channels = 1): PayloadFormat => ({
  name,
  clock,
  channels,
  fmtp,
});

test('names are compared without case; clock and channels count', () => {
  assert.equal(sameFormat(PCMA, format('pcma', 8000)), true);
  assert.equal(sameFormat(PCMA, PCMU), false);
  assert.equal(sameFormat(format('telephone-event', 8000), format('telephone-event', 16_000)), false);
  assert.equal(sameFormat(format('opus', 48_000, null, 2), format('opus', 48_000)), false);
});

test('SDP-16 parameters of the payload layout make another format, all others do not', () => {
  const amr = (fmtp: string | null) => format('AMR-WB', 16_000, fmtp);
  const plain = amr(null);
  for (const fmtp of ['', 'octet-align=0', 'mode-set=0,1,2; max-red=0', 'Octet-Align = 0;crc=0', ';;']) {
    assert.equal(sameFormat(plain, amr(fmtp)), true, fmtp);
  }
  for (const fmtp of ['octet-align=1', 'OCTET-ALIGN=1;mode-set=8', 'crc=1', 'robust-sorting=1', 'interleaving=30']) {
    assert.equal(sameFormat(plain, amr(fmtp)), false, fmtp);
    assert.equal(sameFormat(amr(fmtp), amr(`max-red=0; ${fmtp}`)), true, fmtp);
  }
  assert.equal(sameFormat(amr('octet-align=1'), amr('octet-align=1;interleaving=30')), false);
  const h264 = (fmtp: string) => format('H264', 90_000, fmtp);
  assert.equal(sameFormat(h264('profile-level-id=42e01f'), h264('packetization-mode=1')), false);
});

test('parameters are read by name, whatever the spaces', () => {
  assert.deepEqual(
    [...parametersOf(' mode-set = 0,2 ;octet-align=1;; cbr')],
    [
      ['mode-set', '0,2'],
      ['octet-align', '1'],
      ['cbr', ''],
    ],
  );
  assert.equal(parametersOf(null).size, 0);
});
