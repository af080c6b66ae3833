/** Janus with its SIP plugin doing the same calls: over its WebSocket API, towards the same core. */
import { spawn } from 'node:child_process';
import { startJanus } from '../janus.ts';
import { pause } from '../process.ts';

export interface SipJanus {
  readonly pid: number;
  /** A registered SIP identity; `core` is host:port of the registrar. */
  attach(user: string, core: string, host: string): Promise<JanusCaller>;
  close(): Promise<void>;
}

export interface JanusCaller {
  /** A complete call with this offer; resolves when it has ended. */
  call(uri: string, offer: string): Promise<{ asked: number; connected: number }>;
}

/** Starts Janus with nothing but the SIP plugin and the WebSocket transport. Rejects when it is not installed or does not answer. */
export async function startSipJanus(folder: string, host: string, port: number): Promise<SipJanus> {
  const { pid, attach, close } = await startJanus({ plugin: 'sip', folder, host, port, spawn });
  return {
    pid,
    async attach(user, core, domain) {
      const handle = await attach();
      const waiting = new Map<string, PromiseWithResolvers<number>>();
      handle.listen(message => {
        const { result, error } = message.plugindata?.data ?? {};
        if (error !== undefined) for (const { reject } of waiting.values()) reject(new Error(`Janus says: ${error}`));
        const name = result?.event ?? `core-${String(message['janus'])}`;
        waiting.get(name)?.resolve(performance.now());
        waiting.delete(name);
      });
      const told = (event: string) => {
        const heard = Promise.withResolvers<number>();
        waiting.set(event, heard);
        // A call that was given up waits for nothing any more.
        heard.promise.catch(() => {});
        return heard.promise;
      };
      const registered = told('registered');
      await handle.say({ request: 'register', username: `sip:${user}@${domain}`, proxy: `sip:${core}`, secret: 'x' });
      await registered;
      return {
        async call(uri, offer) {
          const accepted = told('accepted');
          const asked = performance.now();
          await handle.say({ request: 'call', uri }, { type: 'offer', sdp: offer });
          const connected = await accepted;
          const over = Promise.all([told('hangup'), told('core-hangup')]);
          await handle.say({ request: 'hangup' });
          // The second of the two is not always told; the next call must not wait for it for ever.
          await Promise.race([over, pause(300)]);
          return { asked, connected };
        },
      };
    },
    close,
  };
}
