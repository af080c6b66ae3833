/** Whatever both sides offer and answer, and whatever the engine can: what is relayed can be relayed, and is what both SDPs say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRANSCODER } from '../../test/support/media-caps.ts';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, audioOf, LEG, mediaRig } from '../../test/support/media-rig.ts';
import { browserAnswer, chromiumOffer, OTHER_FINGERPRINT, phoneSdp } from '../../test/support/media-sdp.ts';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import type { Codec } from '../sdp/index.ts';
import type { PayloadFormat, PtRule } from './engine.ts';
import { sameFormat } from './payload-format.ts';
import type { CodecName } from './settings.ts';
import { codecName, isEvent } from './speech-codec.ts';

const NAMES: CodecName[] = ['PCMA', 'PCMU', 'G722', 'opus', 'AMR', 'AMR-WB'];
const CODED: PayloadFormat[] = [...TRANSCODER.transcode];
const POOL: PayloadFormat[] = [
  ...CODED,
  { name: 'amr-wb', clock: 16_000, channels: 1, fmtp: 'mode-set=0,1,2' },
  { name: 'AMR', clock: 8000, channels: 1, fmtp: 'octet-align=1;crc=1' },
  { name: 'G729', clock: 8000, channels: 1, fmtp: null },
  { name: 'CN', clock: 8000, channels: 1, fmtp: null },
];

type Side = 'web' | 'ims';

/** One SDP of a party: an offer of `formats` numbered from `first`, or an answer that picks of our last SDP. */
interface Spoken {
  formats: PayloadFormat[];
  first: number;
  picks: number[];
  /** An answer under numbers of its own. */
  own: boolean;
}
interface Script {
  caps: PayloadFormat[];
  web: CodecName[];
  ims: CodecName[];
  way: 'out' | 'in' | 'offerless';
  offer: Spoken;
  answer: Spoken;
  steps: Array<{ do: 'ims' | 'web' | 'hold' | 'offerless' | 'fork'; say: Spoken }>;
}

const spoken: fc.Arbitrary<Spoken> = fc.record({
  formats: fc.shuffledSubarray(POOL, { minLength: 1 }),
  first: fc.integer({ min: 96, max: 112 }),
  picks: fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }),
  own: fc.boolean(),
});
const script: fc.Arbitrary<Script> = fc.record({
  caps: fc.oneof(fc.constant(CODED), fc.subarray(CODED)),
  web: fc.shuffledSubarray(NAMES, { minLength: 1 }),
  ims: fc.shuffledSubarray(NAMES, { minLength: 1 }),
  way: fc.constantFrom('out', 'in', 'offerless'),
  offer: spoken,
  answer: spoken,
  steps: fc.array(fc.record({ do: fc.constantFrom('ims', 'web', 'hold', 'offerless', 'fork'), say: spoken }), {
    maxLength: 6,
  }),
});

const offered = ({ formats, first }: Spoken): Codec[] => formats.map((format, i) => ({ ...format, pt: first + i }));

/** Some of the codecs of our last SDP in another order. */
function picked({ picks, first, own }: Spoken, ours: readonly Codec[]): Codec[] {
  const list = [...new Set(picks)].flatMap(i => ours.slice(i, i + 1));
  return own ? list.map((codec, i) => ({ ...codec, pt: first + i })) : list;
}

const numbers = (codecs: readonly Codec[]) => codecs.map(codec => codec.pt);
const maps = (codecs: readonly Codec[]) =>
  codecs.flatMap(({ pt, name, clock, channels, fmtp }) => [
    `a=rtpmap:${pt} ${name}/${clock}${channels > 1 ? `/${channels}` : ''}`,
    ...(fmtp === null ? [] : [`a=fmtp:${pt} ${fmtp}`]),
  ]);
const phone = (codecs: readonly Codec[], version = 1) =>
  phoneSdp({ formats: numbers(codecs), event: null, maps: maps(codecs), version });
const browser = (codecs: readonly Codec[]) => browserAnswer({ laws: numbers(codecs), event: null, maps: maps(codecs) });
const chromium = (codecs: readonly Codec[], fingerprint: string | null) =>
  chromiumOffer(fingerprint === null ? {} : { fingerprint })
    .replace(/SAVPF .*/, `SAVPF ${numbers(codecs).join(' ')}`)
    .replace(/a=(rtpmap|fmtp|rtcp-fb):.*\r\n/g, '')
    .replace('a=rtcp-mux', [...maps(codecs), 'a=rtcp-mux'].join('\r\n'));

/** A call, what each side said last, and what we did. */
function callOf(s: Script) {
  const rig = mediaRig({ webCodecs: s.web, imsCodecs: s.ims });
  rig.engine.able = { ...TRANSCODER, transcode: s.caps };
  const said: Record<Side, Codec[]> = { web: [], ims: [] };
  const ours: Record<Side, Codec[]> = { web: [], ims: [] };
  /** By session id of o=: one for the IMS side, one for each connection of the browser. */
  const bound = new Map<string, Map<number, PayloadFormat>>();
  const coded = (format: PayloadFormat) => s.caps.some(known => sameFormat(known, format));

  const check = (rules: readonly PtRule[], from: Side, to: Side) => {
    for (const rule of rules) {
      const text = JSON.stringify(rule);
      assert.ok(sameFormat(rule.from, rule.to) || (coded(rule.from) && coded(rule.to)), `cannot be done: ${text}`);
      const source = ours[from].find(codec => codec.pt === rule.in);
      const sink = said[to].find(codec => codec.pt === rule.out);
      assert.ok(source !== undefined && sameFormat(source, rule.from), `not what we said: ${text}`);
      assert.ok(sink !== undefined && sameFormat(sink, rule.to), `not what they said: ${text}`);
    }
    assert.equal(new Set(rules.map(rule => rule.in)).size, rules.length);
    assert.ok(new Set(rules.filter(rule => rule.kind === 'speech').map(rule => rule.out)).size <= 1);
  };
  return {
    ...rig,
    said,
    ours,
    /** Reads an SDP of ours. */
    hear(side: Side, sdp: string) {
      const { codecs } = audioOf(sdp);
      ours[side] = codecs;
      const id = /^o=- (\d+)/m.exec(sdp)?.[1] ?? '';
      const known = bound.get(id) ?? new Map<number, PayloadFormat>();
      bound.set(id, known);
      for (const codec of codecs) {
        const before = known.get(codec.pt) ?? codec;
        assert.ok(sameFormat(before, codec), `${side} ${codec.pt}: ${before.name} became ${codec.name}`);
        known.set(codec.pt, codec);
        const name = codecName(codec);
        assert.ok(isEvent(codec) || (name !== null && s[side].includes(name)), `${side} was offered ${codec.name}`);
      }
      assert.ok(codecs.some(codec => !isEvent(codec)));
    },
    checkRoute() {
      if (!rig.engine.commands.some(command => command.type === 'route')) return;
      const { toIms, toWeb } = rig.route();
      check(toIms, 'web', 'ims');
      check(toWeb, 'ims', 'web');
    },
    /** A call that was negotiated has speech both ways. */
    checkSpeech() {
      const { toIms, toWeb } = rig.route();
      for (const rules of [toIms, toWeb]) assert.ok(rules.some(rule => rule.kind === 'speech'));
    },
    /** The SDP that came of the last request; null when it failed. */
    result(): string | null {
      const got = rig.box.all.splice(0).find(i => ['media-ready', 'media-offers', 'media-failed'].includes(i.type));
      if (got?.type === 'media-ready') return got.sdp;
      return got?.type === 'media-offers' ? (got.offers[0]?.sdp ?? '') : null;
    },
  };
}

type Call = ReturnType<typeof callOf>;

/** `side` has said `codecs`, and `told` got an SDP for it; false when it was refused. */
function taken(call: Call, side: Side, codecs: Codec[], told: Side): boolean {
  const sdp = call.result();
  if (sdp === null) return false;
  call.said[side] = codecs;
  if (sdp !== '') call.hear(told, sdp);
  call.checkRoute();
  return true;
}

function setUp(s: Script, call: Call): boolean {
  const { run, ours, said } = call;
  const first = offered(s.offer);
  if (s.way === 'out') {
    run({ type: 'media.offer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: chromium(first, null) });
    if (!taken(call, 'web', first, 'ims')) return false;
    const answer = picked(s.answer, ours.ims);
    run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp: phone(answer) });
    return taken(call, 'ims', answer, 'web');
  }
  const sdp = s.way === 'in' ? phone(first) : null;
  run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp, commit: false });
  if (!taken(call, 'ims', sdp === null ? [] : first, 'web')) return false;
  const answer = picked(s.answer, ours.web);
  run({ type: 'media.answer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: browser(answer) });
  if (!taken(call, 'web', answer, 'ims')) return false;
  run({ type: 'media.select', owner: A, leg: LEG });
  if (sdp === null) {
    said.ims = ours.ims;
    run({ type: 'media.settle', owner: A, sdp: phone(ours.ims) });
  }
  call.checkRoute();
  return true;
}

function step(call: Call, { do: what, say }: Script['steps'][number], version: number): void {
  const { run, ours, said } = call;
  const codecs = what === 'fork' ? picked(say, ours.ims) : offered(say);
  if (what === 'ims') {
    run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: phone(codecs, version) });
    taken(call, 'ims', codecs, 'ims');
  } else if (what === 'web') {
    const sdp = chromium(codecs, version % 2 === 0 ? OTHER_FINGERPRINT : null);
    run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
    taken(call, 'web', codecs, 'web');
  } else if (what === 'fork') {
    const fork = `f${version}`;
    run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork, sdp: phone(codecs, version) });
    taken(call, 'ims', codecs, 'web');
  } else {
    if (what === 'hold') run({ type: 'media.hold', owner: A, ref: nextRef(), held: version % 2 === 0 });
    else run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: null });
    const sdp = call.result();
    assert.ok(sdp !== null);
    call.hear('ims', sdp);
    // Our offer is answered with all of it.
    said.ims = ours.ims;
    run({ type: 'media.settle', owner: A, sdp: phone(ours.ims, version) });
    call.checkRoute();
  }
  call.checkSpeech();
}

test('SDP-17 whatever is negotiated: rules can be done, numbers are those of both SDPs, none is bound anew', () => {
  let established = 0;
  fc.assert(
    fc.property(script, s => {
      const call = callOf(s);
      if (!setUp(s, call)) return;
      established += 1;
      call.checkSpeech();
      s.steps.forEach((what, i) => {
        step(call, what, i + 2);
      });
    }),
    { numRuns: 600 * SCALE },
  );
  assert.ok(established > 200 * SCALE, `only ${established} calls came about`);
});
