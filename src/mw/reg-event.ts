/** What the documents of one registration-state subscription say of our own contact. IMS digest 2.12, RFC 3680 5.1. */
import type { ImsInput } from '../ep-cscf/input.ts';
import { parseUri, sameUri } from '../sip/index.ts';
import type { RegContact, RegInfo, RegRegistration } from './reg-info.ts';

export type LostEvent = Extract<ImsInput, { type: 'ims-binding-lost' }>['event'];

export type RegFinding =
  /** Our contact is gone. */
  | { type: 'lost'; event: LostEvent; retryAfterS: number | null }
  /** The network wants to see us again soon, or has taken one of the other identities of our set: its 200 names those that are left. */
  | { type: 'register' }
  /** A document is missing: ask for the full state. */
  | { type: 'incomplete' };

export interface RegWatch {
  /** Public identity, contact URI and instance that are ours. */
  readonly aor: string;
  readonly contact: string;
  readonly instance: string;
  /** Version of the last document, -1 before the first. */
  version: number;
  /** Our contact was in a document. */
  seen: boolean;
  /** A document named us by our URI: on such a core the same instance under another one is of the past. */
  named: boolean;
  /** Other identities that were told to be gone. */
  readonly gone: Set<string>;
}

/** More identities than any subscription has. */
const MAX_GONE = 64;

export function createRegWatch(aor: string, contact: string, instance: string): RegWatch {
  return { aor, contact, instance, version: -1, seen: false, named: false, gone: new Set() };
}

/** Takes one document in; what it means for us, or null. Late documents are dropped. */
export function takeRegInfo(watch: RegWatch, info: RegInfo): RegFinding | null {
  const { version } = watch;
  if (info.version <= version) return null;
  watch.version = info.version;
  const lessThanBefore = takeOthers(watch, info.registrations);
  const found = findingOf(watch, info) ?? (lessThanBefore ? { type: 'register' } : null);
  if (found !== null) return found;
  return !info.full && info.version !== version + 1 ? { type: 'incomplete' } : null;
}

function findingOf(watch: RegWatch, info: RegInfo): RegFinding | null {
  const ours = info.registrations.filter(one => same(one.aor, watch.aor));
  const contact = ownContact(watch, ours);
  if (contact !== undefined) return contactFinding(watch, contact);
  const ended = ours.some(one => one.state === 'terminated');
  if (ended) return lost(watch, rejects(ours) ? 'rejected' : 'unregistered', null);
  // A full state without us, after one with us: somebody removed our contact and nobody named the event.
  return info.full && watch.seen && ours.length > 0 ? lost(watch, 'unregistered', null) : null;
}

function ownContact(watch: RegWatch, ours: readonly RegRegistration[]): RegContact | undefined {
  const contacts = ours.flatMap(one => one.contacts);
  const byUri = contacts.find(one => same(one.uri, watch.contact));
  watch.named ||= byUri !== undefined;
  return byUri ?? (watch.named ? undefined : contacts.find(one => one.instance === watch.instance));
}

/** Notes which other identities are gone and which are back; true when one has gone that was not. */
function takeOthers(watch: RegWatch, registrations: readonly RegRegistration[]): boolean {
  const { gone } = watch;
  const before = gone.size;
  for (const { aor, state } of registrations) {
    if (state !== 'terminated') gone.delete(aor);
    else if (gone.size < MAX_GONE && !same(aor, watch.aor)) gone.add(aor);
  }
  return gone.size > before;
}

/** The whole registration went, told by the contacts of others: rejected if one says so. */
function rejects(ours: readonly RegRegistration[]): boolean {
  return ours.some(one => one.contacts.some(contact => contact.event === 'rejected'));
}

function contactFinding(watch: RegWatch, contact: RegContact): RegFinding | null {
  if (contact.state === 'terminated') return lost(watch, lostEvent(contact.event), contact.retryAfterS);
  watch.seen = true;
  return contact.event === 'shortened' ? { type: 'register' } : null;
}

function lost(watch: RegWatch, event: LostEvent, retryAfterS: number | null): RegFinding {
  watch.seen = false;
  return { type: 'lost', event, retryAfterS };
}

function lostEvent(event: string): LostEvent {
  switch (event) {
    case 'deactivated':
    case 'probation':
    case 'rejected':
    case 'expired':
      return event;
    default:
      return 'unregistered';
  }
}

function same(one: string, other: string): boolean {
  if (one === other) return true;
  const [a, b] = [parseUri(one), parseUri(other)];
  return a !== null && b !== null && sameUri(a, b);
}
