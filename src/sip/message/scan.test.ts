/** The scratch buffer holds one text at a time: what is read of one message has nothing of another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMessage } from './parse.ts';
import { loadBytes, printableEnd, SCRATCH_BYTES } from './scan.ts';
import { formatUri, parseUri } from './uri.ts';

const invite = (user: string, line = 'INVITE'): string =>
  [
    `${line} sip:${user}@example.com SIP/2.0`,
    `Via: SIP/2.0/UDP ${user}.example.com;branch=z9hG4bK${user}`,
    `From: <sip:${user}@example.com>;tag=${user}`,
    'To: <sip:a@example.com>',
    `Call-ID: ${user}@example.com`,
    `CSeq: 1 ${line}`,
    `Route: <sip:${user}@r>, <sip:s@${user}>`,
    `Contact: "${user}, at home" <sip:${user}@example.com>`,
    '',
    '',
  ].join('\r\n');

function read(text: string) {
  const result = parseMessage(Buffer.from(text, 'utf8'));
  if (!result.ok) throw new Error(result.reason);
  return result.message.headers;
}

test('fields of several messages are read in turn, whichever came last', () => {
  const users = ['one', 'three', 'seventeen'];
  const all = users.map(user => read(invite(user)));
  for (let round = 0; round < 2; round++) {
    for (const [index, headers] of all.entries()) {
      const user = users[index] ?? '';
      assert.deepEqual(
        headers.nameAddrs('Route').map(({ uri }) => uri),
        [`sip:${user}@r`, `sip:s@${user}`],
      );
      assert.equal(headers.contacts()[0]?.display, `${user}, at home`);
      assert.equal(headers.clone().from()?.params.get('tag'), user);
      assert.equal(parseUri(headers.clone().to()?.uri ?? '')?.user, 'a');
    }
  }
});

test('a start line beyond ASCII and one with a field of quoted controls leave the other fields as they are', () => {
  const text = invite('one').replace('To: <', 'To: "a\\\x01b\\\\" <');
  assert.equal(read(text).to()?.display, 'a\x01b\\');
  assert.equal(read(text).contacts()[0]?.uri, 'sip:one@example.com');
  const wide = parseMessage(Buffer.from(text.replace('INVITE sip:', 'INVITE urn:ü'), 'utf8'));
  assert.equal(wide.ok && wide.message.type === 'request' && wide.message.uri, 'urn:üone@example.com');
  assert.equal(wide.ok && wide.message.headers.from()?.params.get('tag'), 'one');
});

test('a message cut off anywhere is refused alike whatever was read before: nothing of that completes it', () => {
  const whole = Buffer.from(invite('one'));
  const other = Buffer.from('x'.repeat(whole.length + 4));
  for (let length = whole.length - 1; length > 0; length--) {
    const [behindWhole, behindOther] = [whole, other].map(before => {
      parseMessage(before);
      return parseMessage(whole.subarray(0, length));
    });
    assert.equal(behindWhole?.ok, false, `${length} bytes`);
    assert.deepEqual(behindWhole, behindOther, `${length} bytes`);
  }
});

test('a text is read as far as the scratch buffer has room', () => {
  const uri = (length: number) => `sip:a@${'b'.repeat(length - 6)}`;
  const longest = parseUri(uri(SCRATCH_BYTES));
  assert.equal(longest === null ? null : formatUri(longest), uri(SCRATCH_BYTES));
  assert.equal(parseUri(uri(SCRATCH_BYTES + 100)), null);
});

test('the run of printable bytes ends at the first that is none, whatever the byte and its place among four', () => {
  const isPrintable = (byte: number) => byte >= 0x20 && byte <= 0x7e;
  const edges = [0x00, 0x20, 0x7e, 0x7f, 0x80, 0xff];
  for (const edge of edges) {
    for (const next of edges) {
      for (let byte = 0; byte < 256; byte++) {
        for (let place = 0; place < 4; place++) {
          const bytes = Buffer.from('~ ~ ~ ~ ');
          bytes.set([byte, next, edge], place);
          const stop = bytes.findIndex(one => !isPrintable(one));
          loadBytes(bytes, bytes.length);
          assert.equal(printableEnd(0, 8), stop === -1 ? 8 : stop, bytes.toString('hex'));
        }
      }
    }
  }
});

test('the run of printable bytes goes to the end of the scratch buffer and not beyond', () => {
  loadBytes(Buffer.alloc(SCRATCH_BYTES, 'a'), SCRATCH_BYTES);
  for (let from = SCRATCH_BYTES - 9; from <= SCRATCH_BYTES; from++)
    assert.equal(printableEnd(from, SCRATCH_BYTES), SCRATCH_BYTES);
});
