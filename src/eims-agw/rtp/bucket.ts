/** Rate cap of one leg: packets and bytes per second, each with one second of credit. */

export interface Bucket {
  packetsPerS: number;
  bytesPerS: number;
  packets: number;
  bytes: number;
  at: number;
}

/** Cap for one direction of audio: 200 packets/s and 256 kbit/s. */
export function audioBucket(now: number): Bucket {
  return { packetsPerS: 200, bytesPerS: 32_000, packets: 200, bytes: 32_000, at: now };
}

/** Cap for one direction of video: 2000 packets/s and 4 Mbit/s. */
export function videoBucket(now: number): Bucket {
  return { packetsPerS: 2_000, bytesPerS: 500_000, packets: 2_000, bytes: 500_000, at: now };
}

/** Cap for a browser that sends sound and video. */
export function bothBucket(now: number): Bucket {
  return { packetsPerS: 2_200, bytesPerS: 532_000, packets: 2_200, bytes: 532_000, at: now };
}

/** Cap for packets sent again, or asked for again: 200/s. */
export function againBucket(now: number): Bucket {
  return { packetsPerS: 200, bytesPerS: 0, packets: 200, bytes: 0, at: now };
}

/** Cap for the handshake and the goodbye of one browser: 50 datagrams/s and 256 kbit/s. */
export function dtlsBucket(now: number): Bucket {
  return { packetsPerS: 50, bytesPerS: 32_000, packets: 50, bytes: 32_000, at: now };
}

/** Takes one packet out of the bucket; false when it is over the cap. `now` in ms. */
export function take(bucket: Bucket, bytes: number, now: number): boolean {
  if (!affords(bucket, bytes, now)) return false;
  spend(bucket, bytes);
  return true;
}

/** Whether one packet may still be taken; takes nothing. */
export function affords(bucket: Bucket, bytes: number, now: number): boolean {
  const seconds = (now - bucket.at) / 1000;
  bucket.at = now;
  bucket.packets = Math.min(bucket.packetsPerS, bucket.packets + seconds * bucket.packetsPerS);
  bucket.bytes = Math.min(bucket.bytesPerS, bucket.bytes + seconds * bucket.bytesPerS);
  return bucket.packets >= 1 && bucket.bytes >= bytes;
}

/** Takes one packet that `affords` allowed. */
export function spend(bucket: Bucket, bytes: number): void {
  bucket.packets -= 1;
  bucket.bytes -= bytes;
}
