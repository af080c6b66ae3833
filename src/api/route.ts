/** Finds the operation of a request: by path segments, each decoded once. CAMARA digest 2.1 steps 1 and 2, decision A-20. */
import type { Api, Operation } from './operation.ts';

/** An operation at a path. `emptyId` names the path parameter that is empty when an item method came to the collection. */
interface Target {
  operation: Operation;
  emptyId: string | null;
}

export interface Found {
  api: Api;
  /** The base path it was asked under. */
  base: string;
  /** Null: no such path. */
  methods: ReadonlyMap<string, Target> | null;
  params: Readonly<Record<string, string>>;
  /** The methods that make sense here, without those that only come to be told of an empty id. */
  allow: string;
}

interface Pattern {
  segments: string[];
  methods: Map<string, Target>;
  allow: string;
}

export interface Routes {
  /** True when the path lies under one of our base paths. `path` is as received, without the query. */
  owns(path: string): boolean;
  /** Null when `owns` is false. */
  find(path: string): Found | null;
}

export function createRoutes(apis: readonly Api[]): Routes {
  const bases = apis.flatMap(api => {
    const patterns = patternsOf(api.operations);
    return api.basePaths.map(base => ({ base, api, patterns }));
  });
  const under = (path: string) =>
    bases.find(
      ({ base }) => path.startsWith(base) && (path.length === base.length || path.charAt(base.length) === '/'),
    );
  return {
    owns: path => under(path) !== undefined,
    find(path) {
      const home = under(path);
      if (home === undefined) return null;
      const { api, base } = home;
      const segments = decode(path.slice(base.length + 1));
      const match = segments === null ? null : matchOf(home.patterns, segments);
      const { methods = null, allow = '' } = match?.pattern ?? {};
      return { api, base, methods, params: match?.params ?? {}, allow };
    },
  };
}

function patternsOf(operations: readonly Operation[]): Pattern[] {
  const patterns = new Map<string, Pattern>();
  for (const operation of operations) {
    const pattern = patterns.get(operation.path) ?? {
      segments: operation.path.slice(1).split('/'),
      methods: new Map<string, Target>(),
      allow: '',
    };
    pattern.methods.set(operation.method, { operation, emptyId: null });
    // What can be got can be asked for its header alone, where there is an end to it. RFC 9110 9.3.2.
    if (operation.method === 'GET' && operation.produces === undefined)
      pattern.methods.set('HEAD', { operation, emptyId: null });
    pattern.allow = [...pattern.methods.keys(), 'OPTIONS'].join(', ');
    patterns.set(operation.path, pattern);
  }
  const all = [...patterns.values()];
  for (const { segments, methods } of all) {
    const item = all.find(
      other =>
        other.segments.length === segments.length + 1 &&
        isParameter(other.segments.at(-1)) &&
        startsWith(other, segments),
    );
    const emptyId = item?.segments.at(-1)?.slice(1, -1) ?? null;
    for (const [method, { operation }] of item?.methods ?? []) {
      if (!methods.has(method)) methods.set(method, { operation, emptyId });
    }
  }
  return all;
}

function startsWith(pattern: Pattern, segments: string[]): boolean {
  return segments.every((segment, i) => pattern.segments[i] === segment);
}

function matchOf(patterns: Pattern[], segments: string[]): { pattern: Pattern; params: Record<string, string> } | null {
  for (const pattern of patterns) {
    if (pattern.segments.length !== segments.length) continue;
    const params: Record<string, string> = {};
    const fits = pattern.segments.every((expected, i) => {
      const segment = segments[i] ?? '';
      if (!isParameter(expected)) return expected === segment;
      params[expected.slice(1, -1)] = segment;
      return true;
    });
    if (fits) return { pattern, params };
  }
  return null;
}

function isParameter(segment: string | undefined): boolean {
  return segment?.startsWith('{') ?? false;
}

/** Segments of a path, percent-decoded once; null when that is not possible. A decoded slash stays inside its segment. */
function decode(path: string): string[] | null {
  const segments = path.split('/');
  if (!path.includes('%')) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return null;
  }
}
