/** Mutations of the torture messages: no throw, and what is read is written back the same. Seeded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createFramer,
  createHeaders,
  createResponse,
  formatNameAddr,
  formatVia,
  type Headers,
  parseMessage,
  parseNameAddr,
  parseVia,
  type SipMessage,
  serialize,
} from '../../src/sip/index.ts';
import { fc } from '../support/property.ts';
import { SCALE } from '../support/scale.ts';
import { INVALID, SEMANTIC } from './invalid.ts';
import { VALID } from './valid.ts';

const RUNS = 3000 * SCALE;
const SEEDS = [...VALID, ...INVALID, ...SEMANTIC].map(c => c.bytes);
const PIECES = [
  '\r\n',
  '\r\n ',
  '\0',
  '"',
  '<',
  '>',
  ';',
  ',',
  '\\',
  ':',
  '%',
  '@',
  '[',
  '=',
  ' ',
  '\t',
  'Via: ',
  'l: 3\r\n',
  '\xff',
  '*',
  '9',
];

interface Edit {
  at: number;
  remove: number;
  insert: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.noBias(fc.nat(9999)),
  remove: fc.noBias(fc.constantFrom(0, 0, 0, 1, 2, 12)),
  insert: fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 6 })),
});

const mutant = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(edit, { minLength: 1, maxLength: 3 }))
  .map(([seed, edits]) => {
    let bytes = seed;
    for (const { at, remove, insert } of edits) {
      const pos = Math.floor((at / 10_000) * bytes.length);
      bytes = Buffer.concat([bytes.subarray(0, pos), Buffer.from(insert, 'utf8'), bytes.subarray(pos + remove)]);
    }
    return bytes;
  });

function plain(message: SipMessage): unknown {
  const fields = [...message.headers.entries()].filter(([name]) => name !== 'Content-Length');
  return { ...message, headers: fields, body: Buffer.from(message.body).toString('hex') };
}

test('a mutated message is read or refused, and what is read survives being written', () => {
  let read = 0;
  fc.assert(
    fc.property(mutant, bytes => {
      const result = parseMessage(bytes);
      if (!result.ok) {
        if (result.request !== null) serialize(createResponse(result.request, 400, undefined, { toTag: 'x' }));
        return;
      }
      read++;
      const { message } = result;
      const again = parseMessage(serialize(message));
      assert.ok(again.ok, again.ok ? '' : again.reason);
      assert.deepEqual(plain(again.message), plain(message));
      if (message.type === 'request') {
        const response = parseMessage(serialize(createResponse(message, 200, undefined, { toTag: 'x' })));
        assert.ok(response.ok, response.ok ? '' : response.reason);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(read > RUNS / 20, `only ${read} mutants were read`);
});

test('typed views of a mutated message are whole or absent, and written views read the same', () => {
  fc.assert(
    fc.property(mutant, bytes => {
      const result = parseMessage(bytes);
      if (!result.ok) return;
      const { headers } = result.message;
      for (const address of [headers.from(), headers.to(), ...headers.contacts(), ...headers.nameAddrs('Route')]) {
        if (address === undefined || address.uri === '*') continue;
        const again = parseNameAddr(formatNameAddr(address));
        assert.equal(again?.uri, address.uri);
        assert.deepEqual([...(again?.params.keys() ?? [])], [...address.params.keys()]);
      }
      for (const value of headers.all('Via')) {
        const via = parseVia(value);
        if (via !== null) assert.deepEqual(parseVia(formatVia(via)), via);
      }
      headers.number('Expires');
      headers.hasToken('Supported', 'path');
    }),
    { numRuns: RUNS / 3 },
  );
});

/** All that is read of fields where they stand. */
function views(headers: Headers): unknown[] {
  const routes = ['Route', 'Record-Route', 'P-Asserted-Identity'].map(name => headers.nameAddrs(name));
  const lists = ['Via', 'Contact', 'Supported'].map(name => headers.all(name));
  const numbers = ['Expires', 'Max-Forwards', 'Content-Length'].map(name => headers.number(name));
  const single = [headers.via(), headers.from(), headers.to(), headers.cseq(), headers.callId()];
  return [...single, headers.contacts(), ...routes, ...lists, ...numbers];
}

test('views of a mutated message are those of its values alone, whatever was read in between', () => {
  fc.assert(
    fc.property(mutant, mutant, (bytes, other) => {
      const result = parseMessage(bytes);
      const message = result.ok ? result.message : result.request;
      if (message === null) return;
      const { headers } = message;
      const early = views(headers);
      const alone = views(createHeaders(headers.entries()));
      assert.deepEqual(early, alone);
      parseMessage(other);
      assert.deepEqual(views(headers.clone()), alone);
    }),
    { numRuns: RUNS / 3 },
  );
});

test('a framer fed mutants in pieces neither throws nor holds more than its limits, and cuts where the parser does', () => {
  fc.assert(
    fc.property(fc.array(mutant, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 700 }), (all, size) => {
      const framer = createFramer({ startLineBytes: 2000, headersBytes: 4000, bodyBytes: 4000 });
      const stream = Buffer.concat(all);
      for (let pos = 0; pos < stream.length; pos += size) {
        for (const event of framer.push(stream.subarray(pos, pos + size))) {
          if (event.type !== 'message') continue;
          const result = parseMessage(event.bytes);
          // Two readings of one length would be two messages.
          const head = Buffer.from(event.bytes).indexOf('\r\n\r\n') + 4;
          if (result.ok) assert.equal(result.message.body.length, event.bytes.length - head);
        }
        assert.ok(framer.pendingBytes <= 10_004 + size);
      }
    }),
    { numRuns: RUNS / 10 },
  );
});

test('hostile shapes cost linear work', () => {
  const head =
    'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n';
  const shapes = [
    `${head}Contact: ${'<sip:a@b>,'.repeat(800)}<sip:a@b>\r\n\r\n`,
    `${head}Contact: ${'"'.repeat(8000)}\r\n\r\n`,
    `${head}Contact: ${'\\"'.repeat(4000)}\r\n\r\n`,
    `${head}X: ${'\r\n '.repeat(2000)}y\r\n\r\n`,
    `${head}${'A:b\r\n'.repeat(190)}\r\n`,
    `${head}Supported: ${','.repeat(8000)}\r\n\r\n`,
  ];
  // No measurement but a guard: this takes about 0.2 s of CPU, with work that grows by the square of 8 KiB a minute.
  const before = process.cpuUsage();
  for (const shape of shapes) {
    const bytes = Buffer.from(shape);
    for (let i = 0; i < 200; i++) {
      const result = parseMessage(bytes);
      if (result.ok) for (const name of ['Contact', 'Supported', 'X']) result.message.headers.all(name);
    }
  }
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 10_000_000, `${(user + system) / 1e6} s of CPU`);
});
