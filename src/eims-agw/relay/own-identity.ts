/** Who we are in DTLS: one certificate for all legs of a day, new with each process. RFC 8827 6.5. */
import { makeCertificate } from '../certificate.ts';
import { readIdentity } from './dtls/certificate-check.ts';
import type { DtlsIdentity } from './dtls/types.ts';

export interface OwnIdentity {
  identity: DtlsIdentity;
  /** SHA-256, as SDP writes it: it says nothing about whose leg it is. */
  fingerprint: string;
}

const LIFE_MS = 86_400_000;

/** Asked for every leg. `now`: ms since the epoch. */
export function ownIdentity(now: () => number): () => OwnIdentity {
  const make = (madeAt: number) => {
    const { certificatePem, keyPem, fingerprint } = makeCertificate(madeAt);
    return { identity: readIdentity(certificatePem, keyPem), fingerprint, madeAt };
  };
  let current = make(now());
  return () => {
    if (now() - current.madeAt > LIFE_MS) current = make(now());
    return current;
  };
}
