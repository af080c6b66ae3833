/** The demo subscribers of the sandbox and their home domain. */

export interface Subscriber {
  /** E.164. */
  number: string;
  /** Digest password of the SIM phone. */
  phonePassword: string;
  name: string;
}

export const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

const NAMES = ['Ada', 'Bela', 'Chidi', 'Dolores', 'Emre'];

export const SUBSCRIBERS: readonly Subscriber[] = NAMES.map((name, index) => {
  const digits = `1555010000${index + 1}`;
  return { number: `+${digits}`, phonePassword: `pw-phone-${digits}`, name };
});

/** Numbers of the demo business, for its visitors: nobody's phone has them. */
export const POOL_NUMBERS: readonly string[] = Array.from({ length: 10 }, (_, index) => `+1555010800${index}`);
