/** Location service: which contacts a number is registered at, and how each is reached. RFC 3261 10.3, RFC 3327. */
import { type NameAddr, parseUri, type SipUri, sameUri, type Target } from '../../src/sip/index.ts';

export interface Binding {
  number: string;
  /** Private identity that registered it. */
  impi: string;
  /** What a refresh is recognised by: +sip.instance and reg-id, else nothing and the URI decides. */
  instance: string | null;
  contact: NameAddr;
  uri: SipUri;
  /** Path values, top first; empty for a phone, which is reached where its REGISTER came from. */
  path: readonly string[];
  flow: Target;
  /** Registered by a trusted node. */
  trusted: boolean;
  callId: string;
  cseq: number;
  expiresAtMs: number;
}

export interface Location {
  /** Live bindings of a number, oldest first. */
  of(number: string): readonly Binding[];
  /** The binding a REGISTER's contact refreshes, or undefined. */
  match(number: string, uri: SipUri, instance: string | null): Binding | undefined;
  /** Adds a binding, in place of `old` when given. */
  put(binding: Binding, old: Binding | undefined): void;
  remove(binding: Binding): void;
  /** The phone whose flow this is, or undefined. */
  byFlow(source: Target): Binding | undefined;
  /** The binding whose contact has this address, whatever its parameters. */
  byContact(uri: SipUri): Binding | undefined;
}

/** An empty location service. `now` in ms. */
export function createLocation(now: () => number): Location {
  const numbers = new Map<string, Binding[]>();

  function of(number: string): readonly Binding[] {
    const all = numbers.get(number);
    if (all === undefined) return [];
    const live = all.filter(binding => binding.expiresAtMs > now());
    if (live.length !== all.length) numbers.set(number, live);
    return live;
  }

  function find(wanted: (binding: Binding) => boolean): Binding | undefined {
    for (const number of numbers.keys()) {
      const found = of(number).find(wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function remove(binding: Binding): void {
    numbers.set(
      binding.number,
      of(binding.number).filter(other => other !== binding),
    );
  }

  return {
    of,
    match(number, uri, instance) {
      return of(number).find(b => (instance !== null && b.instance === instance) || sameUri(b.uri, uri));
    },
    put(binding, old) {
      const rest = of(binding.number);
      numbers.set(
        binding.number,
        old !== undefined && rest.includes(old) ? rest.map(b => (b === old ? binding : b)) : [...rest, binding],
      );
    },
    remove,
    byFlow: source => find(binding => !binding.trusted && sameFlow(binding.flow, source)),
    byContact: uri => find(binding => sameAddress(binding.uri, uri)),
  };
}

function sameFlow(a: Target, b: Target): boolean {
  if (a.transport !== b.transport || a.host !== b.host) return false;
  return a.transport === 'udp' ? a.port === b.port : a.connection !== undefined && a.connection === b.connection;
}

/** User, host and port alike. Phones add parameters to the Contact of a call that their registration had not. */
export function sameAddress(a: SipUri, b: SipUri): boolean {
  return a.user === b.user && a.host === b.host && (a.port ?? 5060) === (b.port ?? 5060);
}

/** The instance of a contact, with its reg-id when it has one. RFC 5626 4.1. */
export function instanceOf(contact: NameAddr): string | null {
  const instance = contact.params.get('+sip.instance');
  return instance ? `${instance} ${contact.params.get('reg-id') ?? ''}` : null;
}

/** The URI of a contact when it is one we can reach: sip with a host. */
export function reachable(contact: NameAddr): SipUri | null {
  const uri = parseUri(contact.uri);
  return uri !== null && uri.scheme === 'sip' ? uri : null;
}
