/** CAMARA addresses: a hand-written parser of the forms the API takes, and comparison. webrtc-call-handling v0.4, Address. */
import { type E164, E164_PATTERN } from './ids.ts';

export type ParsedAddress =
  | { type: 'tel'; number: E164 }
  | { type: 'tel-local'; digits: string; context: string }
  | { type: 'sip'; user: string; host: string }
  | { type: 'sip-local'; digits: string; context: string; host: string }
  | { type: 'emergency'; service: string }
  | { type: 'anonymous' };

const MAX_LENGTH = 256;
const LOCAL = /^[0-9*#]{1,15}$/;
const CONTEXT_NUMBER = /^\+[1-9][0-9]{0,14}$/;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const SIP_USER = /^[A-Za-z0-9_.!%+-]+$/;
const HOST_TEXT = /^[A-Za-z0-9.-]+$/;
const TOP_LABEL = /^[A-Za-z]{2,}$/;
const SERVICE_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const PHONE_CONTEXT = ';phone-context=';
const USER_PHONE = ';user=phone';

/** Reads one address; null when it is none of the forms the API takes. Schemes are lower case, at most 256 characters. */
export function parseAddress(text: string): ParsedAddress | null {
  // The patterns below end in `$`, which without the `m` flag still never matches before a newline in JavaScript.
  if (text.length > MAX_LENGTH) return null;
  if (text.startsWith('tel:')) return parseTel(text.slice(4));
  if (text.startsWith('sip:')) return parseSip(text.slice(4));
  if (text.startsWith('urn:service:sos')) return parseUrn(text);
  return null;
}

function parseTel(rest: string): ParsedAddress | null {
  if (E164_PATTERN.test(rest)) return { type: 'tel', number: rest as E164 };
  const local = parseLocal(rest);
  return local === null ? null : { type: 'tel-local', ...local };
}

function parseLocal(text: string): { digits: string; context: string } | null {
  const at = text.indexOf(PHONE_CONTEXT);
  if (at === -1) return null;
  const digits = text.slice(0, at);
  const context = text.slice(at + PHONE_CONTEXT.length);
  if (!LOCAL.test(digits)) return null;
  return CONTEXT_NUMBER.test(context) || isDottedDomain(context) ? { digits, context } : null;
}

function isDottedDomain(text: string): boolean {
  const labels = text.split('.');
  return labels.length >= 2 && labels.every(label => LABEL.test(label));
}

function isHost(text: string): boolean {
  const dot = text.lastIndexOf('.');
  // The last label is letters only, so no IP address passes.
  return dot > 0 && HOST_TEXT.test(text) && TOP_LABEL.test(text.slice(dot + 1));
}

function parseSip(rest: string): ParsedAddress | null {
  if (rest === 'anonymous@anonymous.invalid') return { type: 'anonymous' };
  const at = rest.indexOf('@');
  if (at <= 0) return null;
  const user = rest.slice(0, at);
  const after = rest.slice(at + 1);
  if (SIP_USER.test(user)) return isHost(after) ? { type: 'sip', user, host: after } : null;
  if (!after.endsWith(USER_PHONE)) return null;
  const host = after.slice(0, -USER_PHONE.length);
  const local = parseLocal(user);
  return local !== null && isHost(host) ? { type: 'sip-local', ...local, host } : null;
}

function parseUrn(text: string): ParsedAddress | null {
  const service = text.slice('urn:service:'.length);
  const [first, ...labels] = service.split('.');
  return first === 'sos' && labels.every(label => SERVICE_LABEL.test(label)) ? { type: 'emergency', service } : null;
}

/** The global number an address names, or null. A SIP address counts when its user part is +E.164. */
export function numberOf(address: ParsedAddress): E164 | null {
  if (address.type === 'tel') return address.number;
  if (address.type === 'sip' && E164_PATTERN.test(address.user)) return address.user as E164;
  return null;
}

/** Whether two addresses name the same party: by number where both have one, else by text with the host's case ignored. */
export function sameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseAddress(a);
  const right = parseAddress(b);
  if (left === null || right === null) return false;
  const number = numberOf(left);
  if (number !== null) return number === numberOf(right);
  return canonical(left) === canonical(right);
}

function canonical(address: ParsedAddress): string {
  switch (address.type) {
    case 'tel':
      return `tel:${address.number}`;
    case 'tel-local':
      return `local:${address.digits};${address.context.toLowerCase()}`;
    case 'sip-local':
      return `local:${address.digits};${address.context.toLowerCase()}@${address.host.toLowerCase()}`;
    case 'sip':
      return `sip:${address.user}@${address.host.toLowerCase()}`;
    case 'emergency':
      return address.service;
    case 'anonymous':
      return 'anonymous';
    default: {
      const never: never = address;
      return never;
    }
  }
}
