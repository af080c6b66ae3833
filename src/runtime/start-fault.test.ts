/** Each fault of a start is one sentence that names what to mend. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { StartError, startFault } from './start-fault.ts';

test('a port in use is named', async () => {
  const first = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => first.once('listening', resolve));
  const { port } = first.address() as { port: number };
  const fault = await new Promise(resolve => createServer().once('error', resolve).listen(port, '127.0.0.1'));
  assert.equal(startFault(fault), `Lineside could not start: 127.0.0.1:${port} is in use by another process.`);
  first.close();
});

test('our own sentence is kept, anything else is one line', () => {
  assert.equal(startFault(new StartError('The key file is empty.')), 'The key file is empty.');
  assert.equal(startFault(new Error('a\nb')), 'Lineside could not start: a');
  assert.equal(startFault('x'), 'Lineside could not start: x.');
});
