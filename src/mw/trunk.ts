/** The bindings of a trunk: nothing is registered, calls come by the number in their Request-URI. IMS digest 1.4 (mode N). */
import type { BindingId, E164 } from '../ep-cscf/ids.ts';
import { parseUri } from '../sip/index.ts';
import type { Bindings } from './bindings.ts';
import type { MwNode } from './node.ts';

export function createTrunk(node: MwNode): Bindings {
  const numbers = new Map<BindingId, E164>();
  const bindings = new Map<string, BindingId>();

  function forget(id: BindingId): void {
    const number = numbers.get(id);
    numbers.delete(id);
    if (number !== undefined && bindings.get(number) === id) bindings.delete(number);
  }

  return {
    register({ owner, ref, number, expiresS }) {
      forget(owner);
      numbers.set(owner, number);
      bindings.set(number, owner);
      node.emit({ type: 'ims-registered', owner, ref, expiresS, associated: [] });
    },
    deregister({ owner, ref }) {
      forget(owner);
      node.emit({ type: 'ims-deregistered', owner, ref });
    },
    forget,
    routeOf: () => [],
    // One account for the whole trunk.
    credentialsOf: () => node.credentialsOf(null),
    find(uri) {
      const user =
        parseUri(uri)
          ?.user?.split(';', 1)[0]
          ?.replace(/[-.()]/g, '') ?? '';
      return bindings.get(user) ?? bindings.get(`+${user}`) ?? null;
    },
    get size() {
      return numbers.size;
    },
  };
}
