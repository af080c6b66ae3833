/** Test help: walks every reachable node of a model, breadth first, and finds a way to the end from each. */
import assert from 'node:assert/strict';

export interface Model<N> {
  root: N;
  /** The same text: the same node. */
  identity(node: N): string;
  /** What can happen in a node: a name, and what takes a copy of the node on. It throws when a rule is broken. */
  next(node: N): Iterable<readonly [name: string, step: () => N]>;
  /** Nodes where it may stop for good. */
  ended(node: N): boolean;
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
}

/** More nodes than that is a model without bounds. */
const MAX_NODES = 400_000;

/** Walks it all. Throws an AssertionError that names the steps to the first broken rule, or to a node without a way to the end. */
export function walk<N>(model: Model<N>): Walked<N> {
  const root: Visited<N> = { node: model.root, from: null, by: 'start', into: [] };
  const seen = new Map<string, Visited<N>>([[model.identity(model.root), root]]);
  const queue = [root];
  let steps = 0;
  for (const [walked, at] of queue.entries()) {
    if (walked === model.limit) return { nodes: queue.map(({ node }) => node), steps };
    for (const [name, step] of model.next(at.node)) {
      steps += 1;
      const node = taken(at, name, step);
      const identity = model.identity(node);
      const known = seen.get(identity);
      const next = known ?? { node, from: at, by: name, into: [] };
      next.into.push(at);
      if (known !== undefined) continue;
      assert.ok(seen.size < MAX_NODES, `no end of nodes: ${pathOf(next)}: ${identity}`);
      seen.set(identity, next);
      queue.push(next);
    }
  }
  everyNodeEnds(queue, model);
  return { nodes: queue.map(({ node }) => node), steps };
}

function taken<N>(at: Visited<N>, name: string, step: () => N): N {
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
