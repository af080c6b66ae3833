/** Test help: walks every reachable node of a model, breadth first, and finds a way to the end from each. */
import assert from 'node:assert/strict';

export interface Model<N> {
  root: N;
  /** The same text: the same node. */
  identity(node: N): string;
  /** What can happen in a node: a name, what takes a copy of the node on, and whether it happens only when somebody wants it. It throws when a rule is broken. */
  next(node: N): Iterable<readonly [name: string, step: () => N, byUser?: boolean]>;
  /** Nodes where it may stop for good. */
  ended(node: N): boolean;
  /** What holds where nothing happens by itself any more. With it such a node is reached whatever the order of steps: they go in no circle. */
  atRest?(node: N): void;
  /** Nodes to walk, the nearest first; a walk that was cut short says nothing of ways to the end. Default: all. */
  limit?: number;
}

export interface Walked<N> {
  nodes: N[];
  /** Steps between them. */
  steps: number;
}

interface Visited<N> {
  node: N;
  from: Visited<N> | null;
  by: string;
  /** Nodes with a step to this one. */
  into: Array<Visited<N>>;
  /** Where it goes on by itself. */
  on: Array<readonly [name: string, next: Visited<N>]>;
}

/** More nodes than that is a model without bounds. */
const MAX_NODES = 400_000;

/** Walks it all. Throws an AssertionError that names the steps to the first broken rule, or to a node without a way to the end. */
export function walk<N>(model: Model<N>): Walked<N> {
  const root: Visited<N> = { node: model.root, from: null, by: 'start', into: [], on: [] };
  const seen = new Map<string, Visited<N>>([[model.identity(model.root), root]]);
  const queue = [root];
  let steps = 0;
  for (const [walked, at] of queue.entries()) {
    if (walked === model.limit) return { nodes: queue.map(({ node }) => node), steps };
    for (const [name, step, byUser] of model.next(at.node)) {
      steps += 1;
      const node = taken(at, name, step);
      const identity = model.identity(node);
      const known = seen.get(identity);
      const next = known ?? { node, from: at, by: name, into: [], on: [] };
      next.into.push(at);
      if (byUser !== true && next !== at) at.on.push([name, next]);
      if (known !== undefined) continue;
      assert.ok(seen.size < MAX_NODES, `no end of nodes: ${pathOf(next)}: ${identity}`);
      seen.set(identity, next);
      queue.push(next);
    }
  }
  everyNodeEnds(queue, model);
  if (model.atRest !== undefined) everyNodeRests(queue, model.atRest);
  return { nodes: queue.map(({ node }) => node), steps };
}

function taken<N, T>(at: Visited<N>, name: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new assert.AssertionError({ message: `${pathOf(at)} > ${name}: ${(error as Error).message}` });
  }
}

function pathOf<N>(visited: Visited<N>): string {
  const names: string[] = [];
  for (let at: Visited<N> | null = visited; at !== null; at = at.from) names.push(at.by);
  return names.reverse().join(' > ');
}

function everyNodeEnds<N>(visited: ReadonlyArray<Visited<N>>, model: Model<N>): void {
  const ending = new Set<Visited<N>>();
  const queue = visited.filter(({ node }) => model.ended(node));
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (ending.has(at)) continue;
    ending.add(at);
    queue.push(...at.into);
  }
  for (const at of visited) assert.ok(ending.has(at), `${pathOf(at)}: no way to the end`);
}

/** Takes away nodes that nothing leads on from, until none is left: what stays then goes in a circle. */
function everyNodeRests<N>(visited: ReadonlyArray<Visited<N>>, atRest: (node: N) => void): void {
  const onward = new Map(visited.map(at => [at, at.on.length]));
  const before = new Map(visited.map(at => [at, [] as Array<Visited<N>>]));
  for (const at of visited) for (const [, next] of at.on) before.get(next)?.push(at);
  const queue = visited.filter(({ on }) => on.length === 0);
  for (const at of queue) taken(at, 'at rest', () => atRest(at.node));
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    onward.delete(at);
    for (const from of before.get(at) ?? []) {
      const left = (onward.get(from) ?? 0) - 1;
      onward.set(from, left);
      if (left === 0) queue.push(from);
    }
  }
  const [first] = onward.keys();
  if (first !== undefined) assert.fail(circle(first, at => onward.has(at)));
}

/** The steps of a circle that `at` leads to. */
function circle<N>(at: Visited<N>, isOnward: (at: Visited<N>) => boolean): string {
  const names = new Map<Visited<N>, string>();
  let here = at;
  while (!names.has(here)) {
    const step = here.on.find(([, next]) => isOnward(next));
    assert.ok(step !== undefined);
    names.set(here, step[0]);
    here = step[1];
  }
  const round = [...names.keys()].slice([...names.keys()].indexOf(here));
  return `${pathOf(here)}, and for ever: ${round.map(one => names.get(one)).join(' > ')}`;
}
