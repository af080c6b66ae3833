/** Test help: walks every reachable state of a transaction machine, breadth first, and checks what must hold on each step. */
import assert from 'node:assert/strict';
import type { Out } from '../../src/sip/transaction/machine.ts';
import type { TimerName, TransactionEffect } from '../../src/sip/transaction/types.ts';
import { word } from './sip-machine.ts';
import { walk } from './walk.ts';

export interface Exploration<S extends { state: string }, I> {
  initial: S;
  handle: (state: S, input: I, now: number, out: Out) => void;
  /** What makes two states the same: the state's name is added. Intervals and times stay out. */
  identity: (state: S) => string;
  /** Every input but timers and start, each with a name and the clock it comes at. */
  inputs: ReadonlyArray<{ name: string; input: I; now?: number }>;
  start: I;
  timer: (name: TimerName) => I;
  /** States that may wait without any timer, for the user. */
  patient: (state: S) => boolean;
}

export interface Explored {
  /** Names of the states reached. */
  states: Set<string>;
  /** Distinct nodes and steps between them. */
  nodes: number;
  steps: number;
}

interface Node<S> {
  state: S;
  running: ReadonlySet<TimerName>;
  /** What the user was told so far that it may hear only once. */
  told: { refusal: boolean; success: boolean; failed: boolean };
}

/** Explores; throws an AssertionError that names the path of inputs to the first broken rule. */
export function explore<S extends { state: string }, I>(what: Exploration<S, I>): Explored {
  const { nodes, steps } = walk<Node<S>>({
    root: step(what, fresh(what.initial), what.start, 0),
    identity: node => identity(what, node),
    next: node => successors(what, node),
    ended: ({ state }) => state.state === 'Terminated',
  });
  return { states: new Set(nodes.map(({ state }) => state.state)), nodes: nodes.length, steps };
}

function fresh<S>(state: S): Node<S> {
  return { state: { ...state }, running: new Set(), told: { refusal: false, success: false, failed: false } };
}

function identity<S extends { state: string }, I>(what: Exploration<S, I>, node: Node<S>): string {
  const { refusal, success, failed } = node.told;
  const running = [...node.running].sort().join('');
  return `${node.state.state} ${what.identity(node.state)} ${running} ${refusal} ${success} ${failed}`;
}

function* successors<S extends { state: string }, I>(
  what: Exploration<S, I>,
  node: Node<S>,
): Iterable<[string, () => Node<S>]> {
  for (const { name, input, now } of what.inputs) yield [name, () => step(what, node, input, now ?? 0)];
  for (const name of node.running) {
    const fired = { ...node, running: new Set([...node.running].filter(other => other !== name)) };
    yield [`timer ${name}`, () => step(what, fired, what.timer(name), 0)];
  }
}

/** One step, with every rule checked. */
function step<S extends { state: string }, I>(what: Exploration<S, I>, node: Node<S>, input: I, now: number): Node<S> {
  const state = { ...node.state };
  const ended = state.state === 'Terminated';
  const out: Out = [];
  what.handle(state, input, now, out);
  const words = out.map(word);
  const running = new Set(node.running);
  const told = { ...node.told };
  if (ended) assert.deepEqual(words, [], 'an effect after the end');
  out.forEach((effect, index) => {
    timers(effect, running);
    hearing(effect, told);
    if (effect.type === 'terminated') assert.equal(index, out.length - 1, 'an effect behind terminated');
  });
  const terminations = words.filter(w => w === 'terminated').length;
  const expected = state.state === 'Terminated' && !ended ? 1 : 0;
  assert.equal(terminations, expected, 'terminated is told once, on entering Terminated');
  if (state.state === 'Terminated') assert.equal(running.size, 0, `timers ${[...running]} run on`);
  else if (running.size === 0) assert.ok(what.patient(state), `${state.state} waits for nothing`);
  return { state, running, told };
}

function timers(effect: TransactionEffect, running: Set<TimerName>): void {
  if (effect.type === 'start-timer') {
    assert.ok(!running.has(effect.name), `timer ${effect.name} started twice`);
    assert.ok(effect.ms > 0, `timer ${effect.name} of ${effect.ms} ms`);
    running.add(effect.name);
  }
  if (effect.type === 'stop-timer') {
    assert.ok(running.delete(effect.name), `timer ${effect.name} stopped but not running`);
  }
}

/** A user hears one refusal, or any number of 2xx, or one failure: never two of these kinds. */
function hearing(effect: TransactionEffect, told: Node<unknown>['told']): void {
  if (effect.type === 'response') {
    const { status } = effect.response;
    assert.ok(!told.failed && !told.refusal, 'a response behind the final word');
    if (status < 200) assert.ok(!told.success, 'a provisional response behind a 2xx');
    else if (status < 300) told.success = true;
    else {
      assert.ok(!told.success, 'a refusal behind a 2xx');
      told.refusal = true;
    }
  }
  if (effect.type === 'failed') {
    assert.ok(!told.failed && !told.refusal && !told.success, 'a failure behind the final word');
    told.failed = true;
  }
}
