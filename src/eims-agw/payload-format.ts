/** What the bytes behind a payload type mean, and when two such meanings are one. RFC 3264 6.1, RFC 4867 8.1, RFC 6184 8.1. */
import type { PayloadFormat } from './engine.ts';

export const PCMA: PayloadFormat = { name: 'PCMA', clock: 8000, channels: 1, fmtp: null };
export const PCMU: PayloadFormat = { name: 'PCMU', clock: 8000, channels: 1, fmtp: null };

/** Format parameters that change how the payload is laid out, with what they are when not said. All others only limit what is sent. */
const LAYOUT: Readonly<Record<string, string>> = {
  'octet-align': '0',
  crc: '0',
  'robust-sorting': '0',
  interleaving: '',
  'packetization-mode': '0',
};

const SAYS_LAYOUT = new RegExp(Object.keys(LAYOUT).join('|'), 'i');

/** Whether packets of one are packets of the other: same name (in any case), clock, channels and layout. */
export function sameFormat(a: PayloadFormat, b: PayloadFormat): boolean {
  if (a === b) return true;
  return (
    a.clock === b.clock &&
    a.channels === b.channels &&
    (a.name === b.name || a.name.toLowerCase() === b.name.toLowerCase()) &&
    (a.fmtp === b.fmtp || layoutOf(a.fmtp) === layoutOf(b.fmtp))
  );
}

/** Parameters of an fmtp value by lower-case name; one without a value has ''. Never throws. */
export function parametersOf(fmtp: string | null): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of (fmtp ?? '').split(';')) {
    const [name = '', ...value] = part.split('=');
    if (name.trim() !== '') parameters.set(name.trim().toLowerCase(), value.join('=').trim());
  }
  return parameters;
}

/** The parameters that lay the payload out otherwise than usual, as one text. Calls compare formats often, and most say nothing of it. */
function layoutOf(fmtp: string | null): string {
  if (fmtp === null || !SAYS_LAYOUT.test(fmtp)) return '';
  const said = parametersOf(fmtp);
  return Object.entries(LAYOUT)
    .filter(([name, unsaid]) => (said.get(name) ?? unsaid) !== unsaid)
    .map(([name]) => `${name}=${said.get(name)}`)
    .join(';');
}
