/** Which requests are emergency calls: they go on where others are held back. RFC 5031, RFC 7090. */
import type { SipRequest } from './message.ts';

/** True for the service URN of emergencies and all below it. RFC 5031 4.2. */
export function isEmergencyUri(uri: string): boolean {
  return /^urn:service:sos(?![\w-])/i.test(uri);
}

/** An emergency call, or a call back to one. RFC 5031, RFC 3261 20.26, RFC 7090 5. */
export function isEmergencyRequest(request: SipRequest): boolean {
  if (request.method !== 'INVITE') return false;
  if (isEmergencyUri(request.uri)) return true;
  const priority = request.headers.get('Priority')?.trim().toLowerCase();
  return priority === 'emergency' || priority === 'psap-callback';
}
