/** rtpengine without its kernel module: a browser's DTLS-SRTP and ICE on one side, plain RTP on the other. */
import { installed, stopped } from '../process.ts';
import { type MediaRelay, NotHere } from './media-relay.ts';
import { openNg } from './ng.ts';
import type { Wire } from './wire.ts';

const NG_PORT = 22_222;

export async function startRtpengine(wire: Wire): Promise<MediaRelay> {
  if (!installed('rtpengine')) throw new NotHere('rtpengine is missing: apt-get install rtpengine-daemon');
  const { inside } = wire;
  const child = wire.spawn(
    'rtpengine',
    [
      '--config-file=none',
      '--foreground',
      '--log-stderr',
      '--log-level=2',
      '--table=-1',
      `--interface=${inside}`,
      `--listen-ng=${inside}:${NG_PORT}`,
      '--port-min=30000',
      '--port-max=36000',
      '--num-threads=2',
    ],
    { stdio: 'ignore' },
  );
  const ng = openNg(inside, NG_PORT);
  await ng.ask({ command: 'ping' });
  const name = (call: number) => ({ 'call-id': `bench-${call}`, 'from-tag': 'browser' });
  const replace = ['origin', 'session-connection'];
  return {
    pid: child.pid ?? 0,
    async connect(call, browserOffer, phoneAnswer) {
      const plain = { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'rtcp-mux': ['demux'] };
      const secure = { 'transport-protocol': 'UDP/TLS/RTP/SAVPF', ICE: 'force' };
      const offer = await ng.ask({ command: 'offer', ...name(call), sdp: browserOffer, replace, ...plain });
      const answer = await ng.ask({
        command: 'answer',
        ...name(call),
        'to-tag': 'phone',
        sdp: phoneAnswer,
        replace,
        ...secure,
      });
      return { toPhone: String(offer['sdp']), toBrowser: String(answer['sdp']) };
    },
    async release(call) {
      await ng.ask({ command: 'delete', ...name(call), 'delete-delay': 0 });
    },
    async close() {
      ng.close();
      await stopped(child);
    },
  };
}
