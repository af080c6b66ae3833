/** Branded ids of the core. Ids made by Lineside carry the 10 bits of their shard, so any node knows the owner of what it receives. */

export type E164 = string & { readonly __brand: 'E164' };
export type MediaSessionId = string & { readonly __brand: 'MediaSessionId' };
export type RegistrationId = string & { readonly __brand: 'RegistrationId' };
/** User part of the Contact registered for a number; also the id of its binding machine. */
export type BindingId = string & { readonly __brand: 'BindingId' };
export type CallId = string & { readonly __brand: 'CallId' };
export type DeviceId = string & { readonly __brand: 'DeviceId' };
/** Ties an answer to its question; an answer with a stale ref is dropped. */
export type Ref = number & { readonly __brand: 'Ref' };
/** The machine an input is for or an effect came from. */
export type Owner = BindingId | CallId;

/** Makes ids. Random in production, seeded in tests. `shard` is 0 to 1023. */
export interface Ids {
  /** UUIDv4; the shard in its first 10 bits. */
  registration(shard: number): RegistrationId;
  /** 43 characters base64url, 256 bits. */
  mediaSession(shard: number): MediaSessionId;
  /** `b` and 26 characters of base 32; opaque, safe as a SIP user part. */
  binding(shard: number): BindingId;
  /** `c` and 26 characters of base 32; opaque, safe as a SIP user part. */
  call(shard: number): CallId;
  /** Random UUIDv4: event, subscription, channel, correlator. */
  uuid(): string;
  ref(): Ref;
}

/** +[1-9] and 4 to 14 more digits. CAMARA webrtc-registration v0.4, phoneNumber. */
export const E164_PATTERN = /^\+[1-9][0-9]{4,14}$/;

/** Shard of a number: FNV-1a of its digits modulo 1024. All of one number has one owner. */
export function shardOf(number: E164): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < number.length; i += 1) hash = Math.imul(hash ^ number.charCodeAt(i), 0x01000193) >>> 0;
  return hash & 1023;
}
