/** Every reachable state of the binding of a number with two devices, and what must hold in each. IMS digest 2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, EMPTY, fire, give, identityOf, type Node, restart } from '../../test/support/core-model.ts';
import { ALICE, device, principal } from '../../test/support/core-story.ts';
import { HOME } from '../../test/support/core-world.ts';
import { walk } from '../../test/support/walk.ts';
import type { Binding, BindingPhase } from './binding.ts';
import type { Input } from './input.ts';
import { coreSettings } from './settings.ts';
import type { Outcome } from './words.ts';

const HOUR = 3_600_000;
const WHO = { who: principal(ALICE), correlator: 'c' };

const outcome = (code: number): Outcome => ({ code, phrase: '', q850: null, local: null, reason: null });
const SILENCE: Outcome = { ...outcome(0), local: 'no-response' };
const FAILURES: ReadonlyArray<[string, Outcome, retryAfterS: number | null, unanswered: boolean]> = [
  ['503', outcome(503), null, false],
  ['503, come back late', outcome(503), 100_000, false],
  ['500', outcome(500), null, false],
  ['503 beside silence', outcome(503), null, true],
  ['403', outcome(403), null, false],
  ['silence', SILENCE, null, true],
];
const LOSSES = [
  ['deactivated', null],
  ['probation', 10],
  ['probation', null],
  ['rejected', null],
  ['unregistered', null],
  ['expired', null],
] as const;

function bindingOf({ registry }: Node): Binding | undefined {
  return [...registry.bindings.values()][0];
}

function holds(node: Node, n: number): boolean {
  const binding = bindingOf(node);
  const all = [...(binding?.registrations.values() ?? []), ...(binding?.waiting.map(w => w.registration) ?? [])];
  return all.some(({ deviceId }) => deviceId === device(n));
}

/** Something is always on its way or awaited, whatever the phase. */
function rest(node: Node): Node {
  const { registry } = node;
  const binding = bindingOf(node);
  assert.ok(registry.bindings.size <= 1, 'two bindings of one number');
  if (binding === undefined) {
    assert.equal(registry.users.size, 0, 'a reservation was not given back');
    assert.deepEqual([node.admitted, node.asked, node.timers, Object.keys(node.rows)], [[], [], [], []]);
    return node;
  }
  const { phase, ref, timers, registrations, waiting } = binding;
  const asking = ref !== null && timers.has('ims-register-guard');
  assert.equal(ref !== null, timers.has('ims-register-guard'), `${phase}: a REGISTER and its guard belong together`);
  if (phase === 'active') assert.ok(asking || timers.has('ims-refresh') || timers.has('ims-retry'), 'nobody refreshes');
  else assert.ok(asking || timers.has('ims-retry'), `${phase} waits for nothing`);
  assert.equal(timers.has('registration-expiry'), registrations.size > 0, 'the expiry of registrations is watched');
  if (phase === 'active') assert.equal(waiting.length, 0, 'who waits is let in');
  if (phase === 'active' || phase === 'reclaiming')
    assert.ok(registrations.size > 0 || waiting.length > 0, 'kept for nobody');
  assert.deepEqual(node.asked.map(one => one.ref).sort(), waiting.map(one => one.ref).sort(), 'who waits is who asked');
  const reserved = [...registry.users.values()].reduce((sum, user) => sum + user.registrations, 0);
  assert.equal(reserved, registrations.size + waiting.length, 'each place is counted once');
  return node;
}

function explorer(devices: number[], reclaim: boolean) {
  const settings = coreSettings(HOME, { ims: { reclaim } });
  const phases = new Set<BindingPhase>();
  const played = (node: Node, input: Input) => () => rest(give(node, input, settings));

  function* network(node: Node, { id: owner }: Binding): Iterable<[string, () => Node]> {
    for (const [i, { ref, leaving }] of node.registers.entries()) {
      const late = i < node.registers.length - 1 ? ' late' : '';
      if (leaving) yield [`gone${late}`, played(node, { type: 'ims-deregistered', owner, ref, confirmed: true })];
      else yield [`200${late}`, played(node, { type: 'ims-registered', owner, ref, expiresS: 3600, associated: [] })];
      for (const [name, said, retryAfterS, unanswered] of leaving ? [] : FAILURES)
        yield [
          `${name}${late}`,
          played(node, { type: 'ims-register-failed', owner, ref, outcome: said, retryAfterS, unanswered }),
        ];
    }
    for (const [event, retryAfterS] of LOSSES)
      yield [`${event} ${retryAfterS}`, played(node, { type: 'ims-binding-lost', owner, event, retryAfterS })];
    yield ['shortened', played(node, { type: 'ims-register-wanted', owner })];
  }

  const walked = walk<Node>({
    root: EMPTY,
    identity: identityOf,
    *next(node) {
      const binding = bindingOf(node);
      if (binding !== undefined) phases.add(binding.phase);
      for (const n of devices)
        if (!holds(node, n))
          yield [
            `register ${n}`,
            () =>
              rest(
                ask(node, { type: 'register', ...WHO, number: ALICE, deviceId: device(n), expiresAt: null }, settings),
              ),
          ];
      for (const registrationId of node.admitted)
        yield [
          'unregister',
          () => {
            const next = ask(node, { type: 'unregister', ...WHO, registrationId }, settings);
            return rest(next);
          },
        ];
      if (binding === undefined) return;
      yield* network(node, binding);
      for (const timer of node.timers) {
        // Time that passes is of one kind only: the end of all that was granted until now.
        const late = timer.name === 'registration-expiry' ? 2 * HOUR : 0;
        yield [`timer ${timer.name}`, () => rest(fire(node, timer, settings, node.now + late))];
      }
      yield ['hours pass', () => ({ ...node, now: node.now + 2 * HOUR })];
      yield ['restart', () => rest(restart(node, settings))];
    },
    ended: ({ registry }) => registry.bindings.size === 0,
  });
  return { ...walked, phases };
}

for (const [devices, reclaim] of [
  [[1, 2], false],
  [[1], true],
] as const) {
  const what = `a binding of ${devices.length} devices${reclaim ? ' that is reclaimed' : ''}`;
  test(`REG-18 ${what}: all states, each request answered, each registration ended once, a refresh always armed`, () => {
    const { nodes, steps, phases } = explorer([...devices], reclaim);
    assert.deepEqual([...phases].sort(), ['active', 'deregistering', 'reclaiming', 'registering', 'restoring']);
    assert.ok(nodes.length > 100 && steps > 1000, `${nodes.length} nodes, ${steps} steps`);
  });
}
