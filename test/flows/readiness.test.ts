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
import { counters, histograms } from '../../src/runtime/metrics.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

const HOST = '127.0.0.39';
const operations = `http://${HOST}:9093`;

/** A metric in a rule of Prometheus: its name without what a histogram adds to it, and what is asked of its labels. */
const SELECTOR = /lineside_(\w+?)(?:_bucket|_count)?\b(?:\{([^}]*)\})?/g;

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

test('the alerts that come with us ask for metrics and labels that exist', async t => {
  await start(t, createMemoryStore());
  const text = await (await fetch(`${operations}/metrics`)).text();
  const served = new Set(Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name));
  const file = readFileSync(new URL('../../deploy/prometheus-rules.yaml', import.meta.url), 'utf8');
  const { groups }: { groups: Array<{ rules: Array<{ expr: string }> }> } = parse(file);
  const asked = groups.flatMap(({ rules }) => rules).flatMap(({ expr }) => [...expr.matchAll(SELECTOR)]);
  assert.ok(asked.length > 15);
  for (const [selector, name = '', labels = ''] of asked) {
    assert.ok(served.has(`lineside_${name}`), selector);
    const declared = counters[name]?.[1] ?? histograms[name]?.[1];
    for (const [, label = ''] of labels.matchAll(/(\w+)[=!]/g)) assert.ok(declared?.includes(label) ?? true, selector);
  }
});

test('a store that fails makes the node unready, in /readyz and in the gauge, until it works again', async t => {
  const { store, disk } = failingStore();
  await start(t, store);
  assert.deepEqual(await readiness(), { status: 503, because: ['store'], gauge: 0 });
  disk.full = false;
  const until = Date.now() + 10_000;
  while ((await readiness()).status !== 200 && Date.now() < until) await sleep(50);
  assert.deepEqual(await readiness(), { status: 200, because: [], gauge: 1 });
});
