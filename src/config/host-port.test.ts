import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostPort } from './host-port.ts';

test('a host, with or without a port, and nothing else', () => {
  assert.deepEqual(parseHostPort('127.0.0.1:5070'), { host: '127.0.0.1', port: 5070 });
  assert.deepEqual(parseHostPort('[2001:db8::1]:5070'), { host: '2001:db8::1', port: 5070 });
  assert.deepEqual(parseHostPort('icscf.example.com'), { host: 'icscf.example.com', port: null });
  for (const wrong of ['', 'a:0', 'a:70000', 'a b:1', 'sip:a']) assert.equal(parseHostPort(wrong), null, wrong);
});
