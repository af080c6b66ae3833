/** One browser leg on libdatachannel, always as the answerer: our own offers are made good by presenting the browser's answer as an offer. */
import { randomBytes } from 'node:crypto';
import type { PeerConnection, Track } from 'node-datachannel';
import type { Certificate } from '../../../src/eims-agw/certificate.ts';
import type { WebRemote, WebTransport } from '../../../src/eims-agw/engine.ts';
import type { MakeWebEnd, WebEnd, WebEvents } from '../../../src/eims-agw/rtp/web-end.ts';

export interface LibraryOptions {
  /** The library, loaded. */
  native: typeof import('node-datachannel');
  certificate: Certificate;
  bind: string;
  advertise: string;
  port: number;
}

/** Every call into the library is guarded: an exception in one of its callbacks ends the process. */
export function webEndMaker(options: LibraryOptions): MakeWebEnd {
  return (request, events) => {
    const transport: WebTransport = {
      address: options.advertise,
      port: options.port,
      ufrag: iceChars(6),
      pwd: iceChars(24),
      fingerprint: options.certificate.fingerprint,
      iceLite: false,
      answerSetup: 'active',
    };
    return makeEnd(options, `leg-${request.ssrc}`, transport, events);
  };
}

/** Letters of ice-char from the system's random source; `bytes` must be a multiple of 3. */
function iceChars(bytes: number): string {
  return randomBytes(bytes).toString('base64');
}

function makeEnd(options: LibraryOptions, name: string, transport: WebTransport, events: WebEvents): WebEnd {
  let peer: PeerConnection | null = null;
  let track: Track | null = null;
  /** Wrappers must outlive the leg: the library closes what is collected. */
  const kept: unknown[] = [];
  let mid = '0';
  let done = false;
  let wanted = '';

  const onState = guarded((state: string) => {
    if (done) return;
    if (state === 'connected') events.up();
    else if (state === 'failed' || state === 'closed') {
      done = true;
      events.down(fingerprintDiffers(peer, wanted) ? 'fingerprint' : 'web');
    }
  });

  // One by one and guarded: none of them is needed, so none may fail the leg.
  const addCandidates = (candidates: readonly string[]) => {
    for (const candidate of candidates) quietly(() => peer?.addRemoteCandidate(`candidate:${candidate}`, mid));
  };

  return {
    transport,
    connect(remote) {
      if (peer !== null || done) return false;
      mid = remote.mid;
      wanted = `${remote.fingerprint.algorithm} ${remote.fingerprint.value}`;
      try {
        const made = new options.native.PeerConnection(name, {
          iceServers: [],
          bindAddress: options.bind,
          portRangeBegin: options.port,
          portRangeEnd: options.port,
          enableIceUdpMux: true,
          disableAutoNegotiation: true,
          certificatePemFile: options.certificate.certificatePem,
          keyPemFile: options.certificate.keyPem,
        });
        peer = made;
        made.onTrack(
          guarded(found => {
            kept.push(found);
            track = found;
            found.onMessage(guarded(packet => events.packet(packet)));
          }),
        );
        made.onStateChange(onState);
        made.setRemoteDescription(normalised(remote), 'offer');
        // Only a described, still stable connection may be answered: a throw in here would end the process.
        if (made.signalingState() !== 'have-remote-offer') throw new Error('the offer was not taken');
        made.setLocalDescription('answer', { iceUfrag: transport.ufrag, icePwd: transport.pwd });
        addCandidates(remote.candidates);
        return true;
      } catch {
        done = true;
        quietly(() => peer?.close());
        return false;
      }
    },
    addCandidates,
    send(packet) {
      if (track === null || done) return false;
      try {
        track.sendMessageBinary(packet);
        return true;
      } catch {
        return false;
      }
    },
    close() {
      done = true;
      track = null;
      quietly(() => peer?.close());
      peer = null;
      kept.length = 0;
    },
  };
}

/** All the library is told of the browser: one bundled audio line that always sends and receives. */
function normalised(remote: WebRemote): string {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    'c=IN IP4 0.0.0.0',
    `a=mid:${remote.mid}`,
    'a=sendrecv',
    'a=rtcp-mux',
    'a=ssrc:1 cname:c',
    `a=ice-ufrag:${remote.ice.ufrag}`,
    `a=ice-pwd:${remote.ice.pwd}`,
    `a=fingerprint:${remote.fingerprint.algorithm} ${remote.fingerprint.value}`,
    `a=setup:${remote.setup}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** The library tells what certificate it saw even when it refused it. */
function fingerprintDiffers(peer: PeerConnection | null, wanted: string): boolean {
  let seen = '';
  quietly(() => {
    const found = peer?.remoteFingerprint();
    if (found !== undefined && found.value !== '') seen = `${found.algorithm} ${found.value}`;
  });
  return seen !== '' && seen !== wanted;
}

function guarded<T>(run: (value: T) => void): (value: T) => void {
  return value => {
    try {
      run(value);
    } catch (error) {
      process.stderr.write(`media worker: ${error instanceof Error ? error.stack : String(error)}\n`);
    }
  };
}

function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // What is gone cannot be closed or asked; nothing depends on it.
  }
}
