/** What an answer to REGISTER says beside yes and no: options that are not taken, and faults that only people mend. IMS digest 2.7. */
import type { RealmSettings } from '../config/realm.ts';
import type { Failure, SipResponse } from '../sip/index.ts';

/** True when who answered keeps one flow of an identity beside others. RFC 5626 6. */
export function keepsFlows({ headers }: SipResponse): boolean {
  return headers.hasToken('Require', 'outbound') || headers.hasToken('Supported', 'outbound');
}

/** Codes that only a mistake of ours in the request explains. */
const MISTAKEN = new Set([400, 405, 414, 416, 485]);

/** What no other try mends, as name and text of an alarm: somebody has to change a setting, here or in the core. IMS digest 2.7. */
export function faultOf(failure: Failure, mode: RealmSettings['mode']): readonly [alarm: string, text: string] | null {
  const { response } = failure;
  const status = response?.status ?? 0;
  if (status === 401 || status === 407)
    return [mode === 'client' ? 'digest-refused' : 'tna-refused', 'the core does not take who we say the user is'];
  if (refusedOptions(failure).includes('path')) return ['path-refused', 'the next hop is no registrar that knows Path'];
  if (status === 494 || (status === 421 && response?.headers.hasToken('Require', 'sec-agree')))
    return ['sec-agree-wanted', 'the core wants IPsec as of a phone: it does not take us for a node it trusts'];
  return MISTAKEN.has(status) ? ['register-malformed', `the core cannot use our REGISTER: ${status}`] : null;
}

/** Option tags the core will not have; 439: the registrar, or the proxy before it, keeps no flows. RFC 3261 8.1.3.5, RFC 5626 6. */
export function refusedOptions({ response }: Failure): string[] {
  if (response?.status === 439) return ['outbound'];
  if (response?.status !== 420) return [];
  return response.headers.all('Unsupported').map(tag => tag.toLowerCase());
}
