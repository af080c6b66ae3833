/** Janus with its NoSIP plugin as Debian ships it: WebRTC on one side, plain RTP on the other. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JanusHandle, type JanusMessage, startJanus } from '../janus.ts';
import { installed } from '../process.ts';
import { type MediaRelay, NotHere } from './media-relay.ts';
import type { Wire } from './wire.ts';

const API_PORT = 22_188;

/** `libsrtp`: folder of another libsrtp than Debian's, which has its ciphers from NSS; null: this one was not given. */
export const startNosipJanus = (libsrtp?: string | null) => (wire: Wire) => start(wire, libsrtp);

async function start(wire: Wire, libsrtp?: string | null): Promise<MediaRelay> {
  if (libsrtp === null) throw new NotHere('No libsrtp on OpenSSL: LINESIDE_BENCH_LIBSRTP names the folder of one');
  if (!installed('janus')) throw new NotHere('Janus is missing: apt-get install janus');
  if (wire.loopback) throw new NotHere('Janus takes no loopback address for ICE: run the bench as root');
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const spawn: Wire['spawn'] = (command, args, options) =>
    wire.spawn(
      command,
      args,
      libsrtp === undefined ? options : { ...options, env: { ...process.env, LD_LIBRARY_PATH: libsrtp } },
    );
  const janus = await startJanus({ plugin: 'nosip', folder, host: wire.inside, port: API_PORT, spawn });
  const handles = new Map<number, JanusHandle>();
  return {
    pid: janus.pid,
    async connect(call, browserOffer, phoneAnswer) {
      const handle = await janus.attach();
      handles.set(call, handle);
      const generated = told(handle);
      await handle.say({ request: 'generate' }, { type: 'offer', sdp: browserOffer });
      const offer = await generated;
      const processed = told(handle);
      await handle.say({ request: 'process', type: 'answer', sdp: phoneAnswer });
      const answer = await processed;
      return { toPhone: offer.plugindata?.data?.result?.sdp ?? '', toBrowser: answer.jsep?.sdp ?? '' };
    },
    async release(call) {
      await handles.get(call)?.detach();
      handles.delete(call);
    },
    async close() {
      await janus.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The plugin's next event. */
function told(handle: JanusHandle): Promise<JanusMessage> {
  return new Promise((resolve, reject) => {
    handle.listen(message => {
      if (message['janus'] !== 'event') return;
      const error = message.plugindata?.data?.error;
      if (error === undefined) resolve(message);
      else reject(new Error(`Janus says: ${error}`));
    });
  });
}
