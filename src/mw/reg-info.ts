/** Reads registration-state documents (application/reginfo+xml). RFC 3680 5, RFC 5628. */
import type { SaxesTagNS } from 'saxes';
import { attribute, readXml } from './strict-xml.ts';

export interface RegContact {
  id: string;
  uri: string;
  /** Value of its `+sip.instance`, without quotes and brackets; null: not told. RFC 3680 5.3.2. */
  instance: string | null;
  state: 'active' | 'terminated';
  /** registered, created, refreshed, shortened, expired, deactivated, probation, unregistered, rejected; others as they stand. */
  event: string;
  expiresS: number | null;
  retryAfterS: number | null;
}

export interface RegRegistration {
  aor: string;
  id: string;
  state: 'init' | 'active' | 'terminated';
  contacts: RegContact[];
}

export interface RegInfo {
  version: number;
  full: boolean;
  registrations: RegRegistration[];
}

const NAMESPACE = 'urn:ietf:params:xml:ns:reginfo';
/** More than any core sends; beyond it a document is refused. */
const MAX_BYTES = 256 * 1024;
const MAX_ELEMENTS = 2000;

/** A document, or null when it is none: not well-formed, another root, a document type, too large. Unknown elements are passed over. */
export function parseRegInfo(text: string): RegInfo | null {
  if (text.length > MAX_BYTES) return null;
  const reader = createReader();
  return readXml(text, MAX_ELEMENTS, reader) ? reader.result() : null;
}

function createReader() {
  let info: RegInfo | null = null;
  let registration: RegRegistration | null = null;
  let contact: RegContact | null = null;
  /** What stands in the element that is being read, and where it goes. */
  let inside: { text: string; take(contact: RegContact, text: string): void } | null = null;

  function open(tag: SaxesTagNS): void {
    const known = tag.uri === NAMESPACE;
    if (info === null) {
      info = known && tag.local === 'reginfo' ? infoOf(tag) : null;
      if (info === null) throw new Error('not a reginfo document');
    } else if (!known) return;
    else if (tag.local === 'registration') {
      registration = registrationOf(tag);
      info.registrations.push(registration);
    } else if (tag.local === 'contact' && registration !== null) {
      contact = contactOf(tag);
      registration.contacts.push(contact);
    } else if (tag.local === 'uri') inside = { text: '', take: takeUri };
    else if (tag.local === 'unknown-param' && attribute(tag, 'name') === '+sip.instance')
      inside = { text: '', take: takeInstance };
  }

  function close(tag: SaxesTagNS): void {
    if (tag.uri !== NAMESPACE) return;
    if (tag.local === 'uri' || tag.local === 'unknown-param') {
      if (contact !== null) inside?.take(contact, inside.text.trim());
      inside = null;
    } else if (tag.local === 'contact') contact = null;
    else if (tag.local === 'registration') registration = null;
  }

  const text = (part: string) => {
    if (inside !== null) inside.text += part;
  };
  return { open, close, text, result: () => info };
}

function takeUri(contact: RegContact, text: string): void {
  contact.uri = text;
}

function takeInstance(contact: RegContact, text: string): void {
  contact.instance = text.replace(/^"?<|>"?$/g, '');
}

function seconds(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function infoOf(tag: SaxesTagNS): RegInfo | null {
  const version = attribute(tag, 'version');
  if (!/^\d{1,10}$/.test(version)) return null;
  return { version: Number(version), full: attribute(tag, 'state') !== 'partial', registrations: [] };
}

function registrationOf(tag: SaxesTagNS): RegRegistration {
  const state = attribute(tag, 'state');
  return {
    aor: attribute(tag, 'aor'),
    id: attribute(tag, 'id'),
    state: state === 'active' || state === 'terminated' ? state : 'init',
    contacts: [],
  };
}

function contactOf(tag: SaxesTagNS): RegContact {
  return {
    id: attribute(tag, 'id'),
    uri: '',
    instance: null,
    state: attribute(tag, 'state') === 'terminated' ? 'terminated' : 'active',
    event: attribute(tag, 'event'),
    expiresS: seconds(attribute(tag, 'expires')),
    retryAfterS: seconds(attribute(tag, 'retry-after')),
  };
}
