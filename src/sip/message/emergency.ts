/** Which requests are emergency calls: they go on where others are held back. RFC 5031, RFC 7090. */
import type { SipRequest } from './message.ts';

/** True for the service URN of emergencies and all below it. RFC 5031 4.2. */
export function isEmergencyUri(uri: string): boolean {
  return /^urn:service:sos(?![\w-])/i.test(uri);
}

/**
 * An emergency call, or a call back to one. RFC 5031, RFC 7090 5. `Priority: emergency` is not enough: any phone may write
 * it (RFC 3261 20.26), and what is held to be an emergency passes every limit.
 */
export function isEmergencyRequest(request: SipRequest): boolean {
  if (request.method !== 'INVITE') return false;
  if (isEmergencyUri(request.uri)) return true;
  return request.headers.get('Priority')?.trim().toLowerCase() === 'psap-callback';
}
