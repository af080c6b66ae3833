/** 64 KiB of anything cost the parser and the framer a bounded number of steps: counted, so that the verdict is the same on every machine. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fc } from '../support/property.ts';
import { SCALE } from '../support/scale.ts';
import { createStepCounter } from '../support/step-counter.ts';

const RUNS = 30 * SCALE;
const SIZE = 65_500;
/** Steps for one byte; the worst shape known, folds behind single letters, takes half of it. */
const STEPS_PER_BYTE = 16;

const counter = createStepCounter('/src/sip/');
after(() => counter.close());
// After the counter: see there.
const { createFramer, parseMessage } = await import('../../src/sip/index.ts');

const TOP =
  'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n';
const PIECES = [
  '\r\n',
  '\r',
  '\n',
  '\r\n ',
  '\0',
  '"',
  '\\',
  '<sip:a@b>',
  ',',
  ';',
  ';a=b',
  ':',
  '%',
  '@',
  '[',
  '=',
  ' ',
  'c',
  'l',
  'X: y',
  'é',
];
const PLACES: ReadonlyArray<(filling: string) => string> = [
  filling => filling,
  filling => `${TOP}${filling}\r\n\r\n`,
  filling => `${TOP}Contact: ${filling}\r\n\r\n`,
  // Fields as long as they may be.
  filling => `${TOP}${(filling.match(/[\s\S]{1,7000}/g) ?? []).map(part => `Supported: ${part}\r\n`).join('')}\r\n`,
  filling => `${TOP}Content-Length: 99999\r\n\r\n${filling}`,
];

/** Everything that is ever asked of a message. */
function read(bytes: Uint8Array): void {
  const result = parseMessage(bytes);
  const message = result.ok ? result.message : result.request;
  if (message === null) return;
  const { headers } = message;
  headers.via();
  headers.contacts();
  for (const name of ['Route', 'Record-Route']) headers.nameAddrs(name);
  for (const name of ['Via', 'Contact', 'Supported', 'X']) headers.all(name);
  headers.hasToken('Supported', 'path');
}

function check(text: string): void {
  const bytes = Buffer.from(text, 'utf8').subarray(0, SIZE);
  const parsed = counter.count(() => read(bytes));
  const framed = counter.count(() => void createFramer().push(bytes));
  const most = STEPS_PER_BYTE * SIZE;
  assert.ok(parsed <= most, `parsing takes ${parsed} steps: ${JSON.stringify(text.slice(0, 250))}`);
  assert.ok(framed <= most, `framing takes ${framed} steps: ${JSON.stringify(text.slice(0, 250))}`);
}

test('the counter counts: twice the text is twice the work', () => {
  const fields = (n: number) => Buffer.from(`${TOP}${'Subject2: é\r\n'.repeat(n)}\r\n`);
  const [once, twice] = [fields(80), fields(160)].map(bytes => counter.count(() => read(bytes)));
  assert.ok(
    once !== undefined && twice !== undefined && once > 500 && twice > 1.5 * once && twice < 3 * once,
    `${once} ${twice}`,
  );
});

test('one piece, over and over, anywhere in a message', () => {
  for (const piece of PIECES) {
    for (const end of ['', '\r\n'])
      for (const place of PLACES) check(place((piece + end).repeat(SIZE / (piece + end).length)));
  }
});

test('any few pieces, over and over, anywhere in a message', () => {
  const pattern = fc.array(fc.constantFrom(...PIECES), { minLength: 2, maxLength: 5 }).map(pieces => pieces.join(''));
  fc.assert(
    fc.property(pattern, fc.constantFrom(...PLACES), (text, place) => check(place(text.repeat(SIZE / text.length)))),
    { numRuns: RUNS },
  );
});
