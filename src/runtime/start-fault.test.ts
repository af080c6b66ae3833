/** Each fault of a start is one sentence that names what to mend. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { SettingsError } from '../config/settings.ts';
import { StartError, startFault } from './start-fault.ts';

test('a port in use is named', async () => {
  const first = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => first.once('listening', resolve));
  const { port } = first.address() as { port: number };
  const fault = await new Promise(resolve => createServer().once('error', resolve).listen(port, '127.0.0.1'));
  assert.equal(startFault(fault), `Lineside could not start: 127.0.0.1:${port} is in use by another process.`);
  first.close();
});

test('a name without an address is named, with the settings it may stand in', async () => {
  const fault = await new Promise(resolve => createServer().once('error', resolve).listen(0, 'nosuch.invalid'));
  assert.equal(
    startFault(fault),
    'Lineside could not start: the name nosuch.invalid in api.host or ops.host has no address.',
  );
});

test('our own sentence is kept, anything else is one line', () => {
  assert.equal(startFault(new StartError('The key file is empty.')), 'The key file is empty.');
  assert.equal(startFault(new SettingsError('The setting "a" is bad.')), 'The setting "a" is bad.');
  assert.equal(startFault(new Error('a\nb')), 'Lineside could not start: a');
  assert.equal(startFault('x'), 'Lineside could not start: x.');
});
