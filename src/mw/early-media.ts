/** The early-media gate the network asks for. RFC 5009, IMS digest 3.4. */
import type { EarlyMedia } from '../ep-cscf/words.ts';
import type { SipResponse } from '../sip/index.ts';

const DIRECTIONS: ReadonlySet<string> = new Set<EarlyMedia>(['sendrecv', 'sendonly', 'recvonly', 'inactive']);

/**
 * What a provisional response says of early media: its P-Early-Media (first direction, that of the first media line, the sound).
 * Where the network has never said it on this dialog, a description is passed towards the user as the setting has it:
 * always, when it came reliably, or never.
 */
export function earlyMediaOf(
  response: SipResponse,
  reliable: boolean,
  spoken: boolean,
  setting: 'open' | 'reliable' | 'closed',
  sdp: boolean,
): EarlyMedia | 'unsaid' {
  const said = response.headers.all('P-Early-Media').map(value => value.trim().toLowerCase());
  const direction = said.find(value => DIRECTIONS.has(value));
  if (direction !== undefined) return direction as EarlyMedia;
  if (spoken || !sdp) return 'unsaid';
  return setting === 'open' || (setting === 'reliable' && reliable) ? 'sendonly' : 'inactive';
}
