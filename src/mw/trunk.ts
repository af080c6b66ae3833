/** The bindings of a trunk: no number is registered, calls come by the number in their Request-URI. IMS digest 1.4 (mode N). */
import type { BindingId, E164 } from '../ep-cscf/ids.ts';
import { parseUri } from '../sip/index.ts';
import type { Bindings } from './bindings.ts';
import { dialledOf } from './identity.ts';
import type { MwNode } from './node.ts';
import { refusedHere } from './outcome.ts';
import type { TrunkRegistration } from './trunk-registration.ts';

/** `own` null: the trunk does not register itself either. */
export function createTrunk(node: MwNode, own: TrunkRegistration | null): Bindings {
  const numbers = new Map<BindingId, E164>();
  const bindings = new Map<string, BindingId>();

  function forget(id: BindingId): void {
    const number = numbers.get(id);
    numbers.delete(id);
    if (number !== undefined && bindings.get(number) === id) bindings.delete(number);
  }

  function bindingOf(user: string): BindingId | null {
    return bindings.get(user) ?? bindings.get(`+${user}`) ?? null;
  }

  return {
    register({ owner, ref, number, expiresS }) {
      if (own?.up() === false) {
        const outcome = refusedHere(503, 'Trunk Not Registered');
        node.emit({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: null, unanswered: false });
        return;
      }
      forget(owner);
      numbers.set(owner, number);
      bindings.set(number, owner);
      node.emit({ type: 'ims-registered', owner, ref, expiresS, associated: [] });
    },
    deregister({ owner, ref }) {
      forget(owner);
      node.emit({ type: 'ims-deregistered', owner, ref, confirmed: true });
    },
    forget,
    flowLost: () => {},
    stop: () => {},
    routeOf: () => own?.route() ?? [],
    numberOf: id => numbers.get(id) ?? null,
    // One account for the whole trunk.
    credentialsOf: () => node.credentialsOf(null),
    find(uri, called) {
      const user = userOf(uri);
      return bindingOf(own?.isPilot(user) === true ? userOf(called) : user);
    },
    get size() {
      return numbers.size;
    },
  };
}

function userOf(uri: string): string {
  return dialledOf(parseUri(uri)?.user ?? '');
}
