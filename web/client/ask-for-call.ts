/** The request of a subscriber for a call. */
import { CallingError } from './errors.ts';
import type { Http } from './http.ts';
import type { Registration } from './registration.ts';
import { readSession, type SessionNews } from './session.ts';

export interface CallRequest {
  receiverAddress: string;
  /** The far end shall not see the number. */
  anonymous: boolean;
  /** The browser's offer. */
  sdp: string;
}

/** `path`: where the calls are, from the API root on. Rejects with CallingError. */
export async function askForCall(
  http: Http,
  path: string,
  { registrationId, number }: Registration,
  { receiverAddress, anonymous, sdp }: CallRequest,
): Promise<SessionNews> {
  const originatorAddress = anonymous ? 'sip:anonymous@anonymous.invalid' : `tel:${number}`;
  const body = { originatorAddress, receiverAddress, offer: { sdp } };
  const answer = await http.request({ method: 'POST', path, headers: { registrationId }, body }).catch(badAddress);
  const news = readSession(answer);
  if (news === null) throw new CallingError('service');
  return news;
}

/** Of what can be wrong in a request of ours, the address alone comes from a person. */
function badAddress(error: unknown): never {
  if (error instanceof CallingError && error.httpStatus === 400 && error.message.includes('receiverAddress'))
    throw new CallingError('number-not-dialable', { cause: error });
  throw error;
}
