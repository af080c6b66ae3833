/** What operators see of a node: metrics that are documented, and readiness that tells the truth about the store. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { checkSettings } from '../../src/config/settings.ts';
import { RELAY_CAPS } from '../../src/eims-agw/rtp/caps.ts';
import type { Store } from '../../src/ep-cscf/ports.ts';
import { createGateway } from '../../src/gateway.ts';
import { declareGauges, type Gauged } from '../../src/gateway-gauges.ts';
import { counters, histograms, type Metrics } from '../../src/runtime/metrics.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

const HOST = '127.0.0.39';
const operations = `http://${HOST}:9093`;

/** A query of Prometheus, and the texts that name labels of what it gives. */
interface Query {
  expr: string;
  texts: readonly string[];
}

/** A metric in a query: its name without what a histogram adds to it, and what is asked of its labels. */
const SELECTOR = /lineside_(\w+?)(?:_bucket|_count|_sum)?\b(?:\{([^}]*)\})?/g;
/** What every series has of Prometheus, and the buckets of a histogram. */
const GIVEN = ['instance', 'job', 'le'];
const NAMED = /\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/g;

const RULES = 'deploy/prometheus-rules.yaml';
const DASHBOARD = 'deploy/grafana-dashboard.json';
const deployed = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

/** The alerts and rates; a rule that asks for the result of another asks for what that asks for. */
function ruleQueries(): Query[] {
  const { groups }: { groups: Array<{ rules: Array<{ expr: string; record?: string; annotations?: object }> }> } =
    parse(deployed(RULES));
  const rules = groups.flatMap(group => group.rules);
  const recorded = new Map(rules.map(({ record = '', expr }) => [record, expr]));
  return rules.map(({ expr, annotations = {} }) => ({
    expr: expr.replace(/lineside:[\w:]+/g, name => recorded.get(name) ?? assert.fail(name)),
    texts: Object.values(annotations),
  }));
}

function dashboardQueries(): Query[] {
  const { panels }: { panels: Array<{ targets?: Array<{ expr: string; legendFormat: string }> }> } = JSON.parse(
    deployed(DASHBOARD),
  );
  return panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr, legendFormat }) => ({ expr, texts: [legendFormat] }));
}

/** Labels of the gauges; the figures that give them are not read. */
function gaugeLabels(): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const parts = { core: {}, mw: {}, media: {}, events: {} } as unknown as Gauged;
  const gauge: Metrics['gauge'] = (name, _help, _read, labels = []) => void found.set(name, labels);
  declareGauges({ gauge } as Metrics, parts);
  return found.set('event_backlog', ['channel']);
}

/** The binding has no registration left, so taking it up is a write. */
const binding = { v: 1, id: 'baaaaaaaaaaaaaaaaaaaaaaaaaa', number: '+15550100001', imsExpiresAt: 0, registrations: [] };

function failingStore(): { store: Store; disk: { full: boolean } } {
  const disk = { full: true };
  return {
    disk,
    store: {
      load: kind => (kind === 'binding' ? [{ key: binding.id, value: binding }] : []),
      commit() {
        if (disk.full) throw new Error('the disk is full');
      },
      close() {},
    },
  };
}

const readiness = async () => {
  const response = await fetch(`${operations}/readyz`);
  const { because = [] } = (await response.json()) as { because?: string[] };
  const text = await (await fetch(`${operations}/metrics`)).text();
  return { status: response.status, because, gauge: Number(/^lineside_ready (\d)$/m.exec(text)?.[1]) };
};

/** A gateway without a core and without media, at the operations address. */
async function start(t: TestContext, store: Store): Promise<void> {
  const settings = checkSettings({
    api: { host: HOST, port: 0 },
    auth: { issuers: ['https://id.example'] },
    sip: { host: HOST, port: 0, optionsMs: 0 },
    ims: { mode: 'trunk', transport: 'udp' },
    media: { webHost: HOST, imsHost: HOST },
    store: { kind: 'memory' },
    ops: { host: HOST },
    log: { level: 'error' },
  });
  const engine = () => ({
    start: async () => undefined,
    close: async () => undefined,
    send: () => undefined,
    health: () => ({ ok: true, sessions: 0, load: 0, workers: 1 }),
    caps: () => RELAY_CAPS,
  });
  const gateway = await createGateway(settings, { store, engine });
  t.after(() => gateway.close({ drain: false }));
  await gateway.start();
}

test('every metric of a node stands in the operations page', async t => {
  await start(t, createMemoryStore());
  const text = await (await fetch(`${operations}/metrics`)).text();
  const names = Array.from(text.matchAll(/^# HELP (\S+)/gm), ([, name = '']) => name);
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const documented = new Set(page.match(/lineside_\w+/g));
  assert.ok(names.length > 40);
  assert.deepEqual(
    names.filter(name => !/^lineside_(process|nodejs)_/.test(name) && !documented.has(name)),
    [],
  );
});

for (const [file, queries] of [
  [RULES, ruleQueries()],
  [DASHBOARD, dashboardQueries()],
] as const) {
  test(`${file} asks for metrics and labels that exist`, async t => {
    await start(t, createMemoryStore());
    const text = await (await fetch(`${operations}/metrics`)).text();
    const served = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name));
    const gauges = gaugeLabels();
    assert.ok(queries.length > 15);
    for (const { expr, texts } of queries) {
      const has = new Set(GIVEN);
      for (const [selector, name = '', asked = ''] of expr.matchAll(SELECTOR)) {
        assert.ok(served.has(`lineside_${name}`), selector);
        const own = counters[name]?.[1] ?? histograms[name]?.[1] ?? gauges.get(name) ?? [];
        for (const [, label = ''] of asked.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
          assert.ok([...own, ...GIVEN].includes(label), selector);
        for (const label of own) has.add(label);
      }
      const grouped = Array.from(expr.matchAll(/\b(?:by|on) ?\(([^)]*)\)/g), ([, labels = '']) => labels.split(/, */));
      const named = texts.flatMap(one => Array.from(one.matchAll(NAMED), ([, label = '']) => label));
      for (const label of [...grouped.flat(), ...named]) assert.ok(has.has(label), `${label} of ${expr}`);
    }
  });
}

test('a store that fails makes the node unready, in /readyz and in the gauge, until it works again', async t => {
  const { store, disk } = failingStore();
  await start(t, store);
  assert.deepEqual(await readiness(), { status: 503, because: ['store'], gauge: 0 });
  disk.full = false;
  const until = Date.now() + 10_000;
  while ((await readiness()).status !== 200 && Date.now() < until) await sleep(50);
  assert.deepEqual(await readiness(), { status: 200, because: [], gauge: 1 });
});
