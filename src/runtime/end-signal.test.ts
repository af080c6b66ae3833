/** Which signal ends a process how. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEndSignals } from './end-signal.ts';

test('SIGTERM drains, SIGINT ends in order', () => {
  assert.equal(createEndSignals().signal('SIGTERM', 0), 'drain');
  assert.equal(createEndSignals().signal('SIGINT', 0), 'end');
});

test('a second signal ends a drain in order, the one after it forces', () => {
  const signals = createEndSignals();
  assert.equal(signals.signal('SIGTERM', 0), 'drain');
  assert.equal(signals.signal('SIGTERM', 5000), 'end');
  assert.equal(signals.signal('SIGINT', 10_000), 'force');
});

test('one press that arrives three times is one signal', () => {
  const signals = createEndSignals();
  assert.equal(signals.signal('SIGINT', 0), 'end');
  assert.equal(signals.signal('SIGINT', 1), null);
  assert.equal(signals.signal('SIGINT', 900), null);
  assert.equal(signals.signal('SIGINT', 1000), 'force');
});

test('the end of the parent ends in order, and never forces', () => {
  const signals = createEndSignals();
  assert.equal(signals.orphaned(0), 'end');
  assert.equal(signals.orphaned(1), null);
  const pressed = createEndSignals();
  assert.equal(pressed.signal('SIGINT', 0), 'end');
  assert.equal(pressed.orphaned(1), null);
  const draining = createEndSignals();
  draining.signal('SIGTERM', 0);
  assert.equal(draining.orphaned(1000), 'end');
  assert.equal(draining.signal('SIGINT', 3000), 'force');
});

test('a press of Ctrl-C that the parent heard first is one press', () => {
  const signals = createEndSignals();
  assert.equal(signals.orphaned(100), 'end');
  assert.equal(signals.signal('SIGINT', 150), null);
});
