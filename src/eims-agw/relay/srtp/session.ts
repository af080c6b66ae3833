/** SRTP and SRTCP of one association: what we send under our keys, what we take under theirs. RFC 3711 3.3, 3.4. */
import type { SrtpKeys } from '../dtls/types.ts';
import { type SrtpReceiver, srtpReceiver } from './receiver.ts';
import { type SrtpSender, srtpSender } from './sender.ts';
import type { SrtpSuite } from './suite.ts';

/** SSRCs of ours: one of the sound, one of the picture. */
const MAX_SENDERS = 2;

export interface SrtpSession
  extends Pick<SrtpSender, 'protectRtp' | 'protectRtcp'>,
    Pick<SrtpReceiver, 'unprotectRtp' | 'unprotectRtcp' | 'continues'> {
  /** Forgets key stream made in advance for a side that has gone quiet. */
  quiet(side: 'sent' | 'received'): void;
  /** The session is good for nothing afterwards: nothing is protected and nothing is taken. */
  close(): void;
}

/** Takes over the master keys and wipes them. */
export function srtpSession(suite: SrtpSuite, keys: SrtpKeys): SrtpSession {
  const out = srtpSender(suite, keys.local, MAX_SENDERS);
  const into = srtpReceiver(suite, keys.remote);
  return {
    protectRtp: out.protectRtp,
    protectRtcp: out.protectRtcp,
    unprotectRtp: into.unprotectRtp,
    unprotectRtcp: into.unprotectRtcp,
    continues: into.continues,
    quiet: side => (side === 'sent' ? out : into).quiet(),
    close() {
      out.close();
      into.close();
    },
  };
}
