/** The codecs by name, and what is kept of their parameters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, codecName, eventFormat, ownFormat, passedOn } from './speech-codec.ts';

const amrWb = (fmtp: string | null) => ({ name: 'amr-wb', clock: 16_000, channels: 1, fmtp });

test('a codec is known by name in any case, clock and channels', () => {
  assert.equal(codecName(amrWb(null)), 'AMR-WB');
  assert.equal(codecName({ name: 'OPUS', clock: 48_000, channels: 2, fmtp: null }), 'opus');
  for (const [name, clock, channels] of [
    ['opus', 48_000, 1],
    ['AMR-WB', 8000, 1],
    ['G722', 16_000, 1],
    ['PCMA', 8000, 2],
    ['CN', 8000, 1],
    ['__proto__', 8000, 1],
  ] as const) {
    assert.equal(codecName({ name, clock, channels, fmtp: null }), null, name);
  }
});

test('SDP-16 an answer repeats the layout and the modes of an AMR offer, and adds what we can', () => {
  const cases: Array<[string | null, string]> = [
    [null, 'mode-change-capability=2'],
    ['mode-change-capability=2;max-red=0', 'mode-change-capability=2;max-red=0'],
    [
      'octet-align=1; mode-set=0,2,4,7; max-red=220',
      'octet-align=1;mode-set=0,2,4,7;mode-change-capability=2;max-red=0',
    ],
    [
      'mode-change-period=2;mode-change-neighbor=1;dtx=1',
      'mode-change-period=2;mode-change-neighbor=1;mode-change-capability=2',
    ],
    ['mode-set=0 a=x;crc=1', 'crc=1;mode-change-capability=2'],
  ];
  for (const [offered, answer] of cases) assert.equal(answered(amrWb(offered)).fmtp, answer, String(offered));
  assert.deepEqual(answered(amrWb(null)), { ...ownFormat('AMR-WB'), fmtp: 'mode-change-capability=2' });
});

test('SDP-16 AMR that passes as it is keeps its own limits, and nothing else of its parameters', () => {
  const offered = 'max-red=0;octet-align=1;mode-set=0,1,2;mode-change-capability=1;x-secret=7';
  assert.equal(passedOn(amrWb(offered)).fmtp, 'octet-align=1;mode-set=0,1,2;mode-change-capability=1;max-red=0');
  assert.equal(passedOn(amrWb(null)).fmtp, null);
});

test('of all other codecs the parameters are ours', () => {
  const opus = { name: 'opus', clock: 48_000, channels: 2, fmtp: 'stereo=1;maxaveragebitrate=510000' };
  for (const write of [answered, passedOn]) assert.deepEqual(write(opus), ownFormat('opus'));
  assert.deepEqual(answered({ ...eventFormat(8000), fmtp: '0-16' }), eventFormat(8000));
});
