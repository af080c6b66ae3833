/** The early-media gate the network asks for. RFC 5009, IMS digest 3.4. */
import type { SipResponse } from '../sip/index.ts';

export type Gate = 'open' | 'closed' | 'unsaid';

/**
 * What a provisional response says of early media towards the user: its P-Early-Media (first direction, that of the first media line).
 * Silent about it on a dialog that never spoke: by the setting 'reliable' a description is passed only when it came reliably;
 * 'open' and 'closed' leave it to the core.
 */
export function gateOf(
  response: SipResponse,
  reliable: boolean,
  spoken: boolean,
  setting: 'open' | 'reliable' | 'closed',
  sdp: boolean,
): Gate {
  for (const value of response.headers.all('P-Early-Media')) {
    switch (value.trim().toLowerCase()) {
      case 'sendrecv':
      case 'sendonly':
        return 'open';
      case 'inactive':
      case 'recvonly':
        return 'closed';
    }
  }
  if (spoken || setting !== 'reliable' || !sdp) return 'unsaid';
  return reliable ? 'open' : 'closed';
}
