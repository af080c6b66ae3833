/** Names of digest algorithms: the plain hashes and AKA over them. RFC 7616, RFC 8760, RFC 3310, RFC 4169. */

export type DigestAlgorithm = 'MD5' | 'SHA-256' | 'SHA-512-256';

/** Names of the hashes in node:crypto. */
export const HASH: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

export interface NamedAlgorithm {
  hash: DigestAlgorithm;
  /** Version of AKA that makes the password, or null: it is the user's own. */
  aka: 1 | 2 | null;
}

/** The algorithm of this name, compared without case; absent means MD5; null when it is not one of ours. */
export function algorithmOf(name: string | undefined): NamedAlgorithm | null {
  const upper = (name ?? 'MD5').toUpperCase();
  const hash = upper.replace(/^AKAV[12]-/, '');
  if (hash !== 'MD5' && hash !== 'SHA-256' && hash !== 'SHA-512-256') return null;
  return { hash, aka: upper.startsWith('AKAV1') ? 1 : upper.startsWith('AKAV2') ? 2 : null };
}
