/** b=AS as TS 26.114 reckons it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bandwidthAs, maxptimeMs, withinAs } from './bandwidth.ts';
import type { PayloadFormat } from './engine.ts';
import { PCMA, PCMU } from './payload-format.ts';
import { ownFormat } from './speech-codec.ts';

const amr = (fmtp: string): PayloadFormat => ({ ...ownFormat('AMR'), fmtp });
const amrWb = (fmtp: string): PayloadFormat => ({ ...ownFormat('AMR-WB'), fmtp });

test('SDP-13 b=AS of each codec, over IPv4 and IPv6', () => {
  const table: Array<[PayloadFormat, number, number]> = [
    [PCMA, 80, 88],
    [PCMU, 80, 88],
    [ownFormat('G722'), 80, 88],
    [ownFormat('opus'), 48, 56],
    // Of a set of modes the largest counts; without one it is 12.2 and 23.85 kbit/s.
    [ownFormat('AMR'), 29, 37],
    [amr('mode-set=0,2,4,7'), 29, 37],
    [amr('mode-set=0'), 22, 30],
    [ownFormat('AMR-WB'), 41, 49],
    [amrWb('mode-set=0,1,2'), 30, 38],
    [amrWb('octet-align=1'), 41, 49],
    [amr('octet-align=1'), 30, 38],
    [amrWb('mode-set=99'), 41, 49],
  ];
  for (const [format, v4, v6] of table) {
    const name = `${format.name} ${format.fmtp}`;
    assert.deepEqual([bandwidthAs([format], 20, 'IP4'), bandwidthAs([format], 20, 'IP6')], [v4, v6], name);
  }
  assert.equal(bandwidthAs([ownFormat('AMR-WB'), ownFormat('AMR'), PCMA], 20, 'IP4'), 80);
  // Fewer headers: 320 bytes of G.711 and 121 of AMR-WB 25 times a second.
  assert.deepEqual([bandwidthAs([PCMA], 40, 'IP4'), bandwidthAs([ownFormat('AMR-WB')], 40, 'IP4')], [72, 33]);
});

test('SDP-14 maxptime is 240 ms where AMR may bundle frames, else 40', () => {
  assert.deepEqual([maxptimeMs([PCMA, ownFormat('AMR')]), maxptimeMs([PCMA, ownFormat('opus')])], [240, 40]);
});

test('SDP-23 the modes of AMR that a far end’s b=AS has room for', () => {
  const table: Array<[PayloadFormat, number | null, string | null]> = [
    // The figures of the table above: what fits stays as it is.
    [amrWb('max-red=0'), 41, 'max-red=0'],
    [amrWb('max-red=0'), 30, 'max-red=0;mode-set=0,1,2'],
    [amrWb('octet-align=1'), 30, 'octet-align=1;mode-set=0,1,2'],
    // One that starts at the second mode of those allowed.
    [amrWb('mode-set=2,5,8;octet-align=1'), 38, 'mode-set=2,5;octet-align=1'],
    [ownFormat('AMR'), null, ownFormat('AMR').fmtp],
    [ownFormat('AMR'), 0, ownFormat('AMR').fmtp],
    [amr('mode-set=4,7'), 28, 'mode-set=4'],
    [amr('mode-set=4,7'), 5, 'mode-set=4'],
    [PCMA, 30, null],
    [ownFormat('opus'), 30, ownFormat('opus').fmtp],
  ];
  for (const [format, kbps, fmtp] of table)
    assert.equal(withinAs(format, kbps, 20, 'IP4').fmtp, fmtp, `${format.name} ${format.fmtp} in ${kbps}`);
  // IPv6 takes 8 kbit/s more.
  assert.equal(withinAs(amrWb(''), 41, 20, 'IP6').fmtp, 'mode-set=0,1,2,3,4');
  assert.equal(withinAs(amrWb(''), 49, 20, 'IP6').fmtp, '');
});
