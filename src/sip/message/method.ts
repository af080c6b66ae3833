/** The methods of SIP. RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086, 6665. */
import { spelled, wordAt } from './words.ts';

const REGISTERED = 'INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO SUBSCRIBE NOTIFY REFER MESSAGE PUBLISH';
const WORDS = spelled(REGISTERED);

/** All that are registered; whether one is answered, allowed or counted is for others to say. */
export const METHODS: ReadonlySet<string> = new Set(REGISTERED.split(' '));

/** The method that stands there, known or not. */
export function readMethod(text: string, from: number, to: number): string {
  return wordAt(WORDS, from, to) ?? text.slice(from, to);
}
