/** Makes ids from random bytes; the shard's 10 bits stand first, so any node can tell the owner of what it receives. */
import type { BindingId, CallId, Ids, MediaSessionId, Ref, RegistrationId } from '../ep-cscf/ids.ts';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** `random(n)` gives n random bytes: `crypto.randomBytes`, or a seeded source in tests. */
export function createIds(random: (size: number) => Uint8Array): Ids {
  let ref = 0;
  return {
    registration: shard => uuidFrom(withShard(random(16), shard)) as RegistrationId,
    mediaSession: shard => Buffer.from(withShard(random(32), shard)).toString('base64url') as MediaSessionId,
    binding: shard => `b${base32(withShard(random(16), shard))}` as BindingId,
    call: shard => `c${base32(withShard(random(16), shard))}` as CallId,
    uuid: () => uuidFrom(random(16)),
    ref: () => {
      ref = ref >= Number.MAX_SAFE_INTEGER ? 1 : ref + 1;
      return ref as Ref;
    },
  };
}

/** The shard an id carries (0 to 1023), or null when it is not one of ours. Takes every kind of id this file makes but `uuid`. */
export function shardOfId(id: string): number | null {
  if (/^[bc][a-z2-7]{26}$/.test(id)) return (BASE32.indexOf(id.charAt(1)) << 5) | BASE32.indexOf(id.charAt(2));
  if (/^[0-9a-f]{8}-/.test(id)) return Number.parseInt(id.slice(0, 4), 16) >>> 6;
  if (/^[A-Za-z0-9_-]{43}$/.test(id)) {
    const bytes = Buffer.from(id.slice(0, 4), 'base64url');
    return ((bytes[0] ?? 0) << 2) | ((bytes[1] ?? 0) >>> 6);
  }
  return null;
}

function withShard(bytes: Uint8Array, shard: number): Uint8Array {
  bytes[0] = shard >>> 2;
  bytes[1] = ((shard & 3) << 6) | ((bytes[1] ?? 0) & 0x3f);
  return bytes;
}

/** RFC 4648 base 32 without padding, lower case: 16 bytes give 26 characters. */
function base32(bytes: Uint8Array): string {
  let result = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      result += BASE32.charAt((held >>> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? result : result + BASE32.charAt((held << (5 - bits)) & 31);
}

/** RFC 9562 5.4 (version 4). */
function uuidFrom(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
