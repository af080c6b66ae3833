/** A media worker whose browser legs are our own: ICE-lite, DTLS and SRTP on one UDP port. */

import { hostsOf } from '../address.ts';
import type { MediaSettings } from '../settings.ts';
import { runWorker, type TellFault, type WebSide, type WorkerInit } from '../worker-process.ts';
import { openMux } from './mux.ts';
import { ownIdentity } from './own-identity.ts';
import { relayEnds } from './web-end.ts';

async function open({ settings, webPorts }: WorkerInit, onFault: TellFault): Promise<WebSide | string> {
  const { web } = settings;
  const binds = hostsOf(web).map(({ bind }) => bind);
  const mux = await openMux(binds, webPorts, { now: () => performance.now(), onFault });
  if (mux === null) {
    return `No UDP port of ${web.ports.min}-${web.ports.max} can be bound on ${binds.join(' and ')} for media of browsers.`;
  }
  const ends = relayEnds({
    mux,
    identity: ownIdentity(Date.now),
    advertise: hostsOf(web).map(({ advertise }) => advertise),
    profiles: profilesOf(settings),
    clock: {
      now: () => performance.now(),
      after(ms, run) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    },
    onFault,
    handshaking: new Set(),
  });
  return { ...ends, counts: () => mux.named() };
}

function profilesOf(settings: MediaSettings) {
  return settings.srtp.map(name =>
    name === 'AEAD_AES_128_GCM' ? ('SRTP_AEAD_AES_128_GCM' as const) : ('SRTP_AES128_CM_HMAC_SHA1_80' as const),
  );
}

runWorker(open);
