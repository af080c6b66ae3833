/** Janus with its SIP plugin doing the same calls: over its WebSocket API, towards the same core. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { pause } from '../process.ts';

const LIBRARIES = '/usr/lib/x86_64-linux-gnu/janus';

export interface Janus {
  readonly pid: number;
  /** A registered SIP identity; `core` is host:port of the registrar. */
  attach(user: string, core: string, host: string): Promise<JanusHandle>;
  close(): Promise<void>;
}

export interface JanusHandle {
  /** A complete call with this offer; resolves when it has ended. */
  call(uri: string, offer: string): Promise<{ asked: number; connected: number }>;
}

type Message = Record<string, unknown> & { plugindata?: { data?: { result?: { event?: string }; error?: string } } };

/** Starts Janus with nothing but the SIP plugin and the WebSocket transport. Rejects when it is not installed or does not answer. */
export async function startJanus(folder: string, host: string, port: number): Promise<Janus> {
  configure(folder, host, port);
  const child = spawn('janus', ['-F', folder], { stdio: 'ignore' });
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new Error('Janus is missing: apt-get install janus')));
    child.once('exit', code => reject(new Error(`Janus ended at its start (exit ${code})`)));
    setTimeout(resolve, 2000);
  });
  const api = await connect(`ws://${host}:${port}`);
  const session = (await api.ask({ janus: 'create' }))['data'] as { id: number };
  return {
    pid: child.pid ?? 0,
    attach: (user, core, domain) => attach(api, session.id, user, core, domain),
    async close() {
      api.close();
      await ended(child);
    },
  };
}

async function attach(api: Api, session: number, user: string, core: string, domain: string): Promise<JanusHandle> {
  const made = await api.ask({ janus: 'attach', session_id: session, plugin: 'janus.plugin.sip' });
  const { id } = made['data'] as { id: number };
  const waiting = new Map<string, PromiseWithResolvers<number>>();
  api.listen(id, message => {
    const { result, error } = message.plugindata?.data ?? {};
    if (error !== undefined) for (const { reject } of waiting.values()) reject(new Error(`Janus says: ${error}`));
    const name = result?.event ?? `core-${String(message['janus'])}`;
    waiting.get(name)?.resolve(performance.now());
    waiting.delete(name);
  });
  const told = (event: string) => {
    const heard = Promise.withResolvers<number>();
    waiting.set(event, heard);
    return heard.promise;
  };
  const say = (body: object, jsep?: object) =>
    api.ask({ janus: 'message', session_id: session, handle_id: id, body, ...(jsep === undefined ? {} : { jsep }) });
  const registered = told('registered');
  await say({ request: 'register', username: `sip:${user}@${domain}`, proxy: `sip:${core}`, secret: 'x' });
  await registered;
  return {
    async call(uri, offer) {
      const accepted = told('accepted');
      const asked = performance.now();
      await say({ request: 'call', uri }, { type: 'offer', sdp: offer });
      const connected = await accepted;
      const over = Promise.all([told('hangup'), told('core-hangup')]);
      await say({ request: 'hangup' });
      // The second of the two is not always told; the next call must not wait for it for ever.
      await Promise.race([over, pause(300)]);
      return { asked, connected };
    },
  };
}

interface Api {
  ask(message: object): Promise<Message>;
  listen(handle: number, hear: (message: Message) => void): void;
  close(): void;
}

async function connect(url: string): Promise<Api> {
  const socket = new WebSocket(url, 'janus-protocol');
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  const asked = new Map<string, (message: Message) => void>();
  const listeners = new Map<number, (message: Message) => void>();
  let serial = 0;
  socket.on('message', data => {
    const message = JSON.parse(String(data)) as Message;
    const transaction = String(message['transaction'] ?? '');
    // An event may carry the transaction too, and come before the reply.
    const resolve = message['janus'] === 'event' ? undefined : asked.get(transaction);
    if (resolve === undefined) listeners.get(Number(message['sender']))?.(message);
    else {
      asked.delete(transaction);
      resolve(message);
    }
  });
  return {
    ask: message =>
      new Promise(resolve => {
        serial += 1;
        asked.set(`t${serial}`, resolve);
        socket.send(JSON.stringify({ ...message, transaction: `t${serial}` }));
      }),
    listen: (handle, hear) => void listeners.set(handle, hear),
    close: () => socket.terminate(),
  };
}

function configure(folder: string, host: string, port: number): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const others = 'audiobridge duktape echotest lua nosip recordplay streaming textroom videocall videoroom voicemail';
  const transports = 'http mqtt nanomsg pfunix rabbitmq';
  const off = (names: string) =>
    names
      .split(' ')
      .map(name => `libjanus_${name}.so`)
      .join(',');
  write(
    'janus.jcfg',
    `general: { configs_folder = "${folder}" plugins_folder = "${LIBRARIES}/plugins" transports_folder = "${LIBRARIES}/transports"
      events_folder = "${LIBRARIES}/events" loggers_folder = "${LIBRARIES}/loggers" debug_level = 2 session_timeout = 0 }
     media: { rtp_port_range = "30000-36000" }
     nat: { ice_enforce_list = "${host}" ignore_mdns = true }
     plugins: { disable = "${off(others)}" }
     transports: { disable = "${off(transports)}" }\n`,
  );
  write(
    'janus.transport.websockets.jcfg',
    `general: { json = "compact" ws = true ws_port = ${port} ws_ip = "${host}" wss = false }\nadmin: { admin_ws = false admin_wss = false }\n`,
  );
  write(
    'janus.plugin.sip.jcfg',
    `general: { local_ip = "${host}" sdp_ip = "${host}" rtp_port_range = "37000-45000" keepalive_interval = 0 register_ttl = 3600 events = false }\n`,
  );
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 1500).unref();
  });
}
