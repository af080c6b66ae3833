/** A Janus of our own with one plugin, as Debian ships it, and its WebSocket API. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { pause, stopped } from './process.ts';

const LIBRARIES = '/usr/lib/x86_64-linux-gnu/janus';
const PLUGINS =
  'audiobridge duktape echotest lua nosip recordplay sip streaming textroom videocall videoroom voicemail'.split(' ');
const TRANSPORTS = 'http mqtt nanomsg pfunix rabbitmq'.split(' ');
const START_MS = 5_000;

export interface JanusOptions {
  plugin: 'sip' | 'nosip';
  /** Where its configuration is written. */
  folder: string;
  host: string;
  /** Of the WebSocket API. */
  port: number;
  spawn: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
}

export interface Janus {
  readonly pid: number;
  attach(): Promise<JanusHandle>;
  close(): Promise<void>;
}

export interface JanusHandle {
  listen(hear: (message: JanusMessage) => void): void;
  /** Asks the plugin; its answer comes as an event. */
  say(body: object, jsep?: object): Promise<void>;
  detach(): Promise<void>;
}

export interface JanusMessage extends Record<string, unknown> {
  plugindata?: { data?: { result?: { event?: string; sdp?: string }; error?: string } };
  jsep?: { sdp: string };
}

/** Starts it; rejects when it is not installed or does not answer. */
export async function startJanus(options: JanusOptions): Promise<Janus> {
  const { folder, host, port } = options;
  configure(options);
  const child = options.spawn('janus', ['-F', folder], { stdio: 'ignore' });
  const gone = new Promise<never>((_resolve, reject) => {
    child.once('error', () => reject(new Error('Janus is missing: apt-get install janus')));
    child.once('exit', code => reject(new Error(`Janus ended at its start (exit ${code})`)));
  });
  gone.catch(() => undefined);
  const api = await Promise.race([gone, connect(`ws://${host}:${port}`)]);
  const session = (await api.ask({ janus: 'create' }))['data'] as { id: number };
  return {
    pid: child.pid ?? 0,
    async attach() {
      const made = await api.ask({ janus: 'attach', session_id: session.id, plugin: `janus.plugin.${options.plugin}` });
      const { id } = made['data'] as { id: number };
      const to = { session_id: session.id, handle_id: id };
      return {
        listen: hear => api.listen(id, hear),
        async say(body, jsep) {
          await api.ask({ janus: 'message', ...to, body, ...(jsep === undefined ? {} : { jsep }) });
        },
        async detach() {
          await api.ask({ janus: 'detach', ...to });
        },
      };
    },
    async close() {
      api.close();
      await stopped(child);
    },
  };
}

interface Api {
  ask(message: object): Promise<JanusMessage>;
  listen(handle: number, hear: (message: JanusMessage) => void): void;
  close(): void;
}

async function connect(url: string): Promise<Api> {
  const socket = await opened(url);
  const asked = new Map<string, (message: JanusMessage) => void>();
  const listeners = new Map<number, (message: JanusMessage) => void>();
  let serial = 0;
  socket.on('message', data => {
    const message = JSON.parse(String(data)) as JanusMessage;
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

/** A connection, as soon as there is somebody to take it. */
async function opened(url: string): Promise<WebSocket> {
  const end = performance.now() + START_MS;
  for (;;) {
    const socket = new WebSocket(url, 'janus-protocol');
    const open = await new Promise<boolean>(resolve => {
      socket.once('open', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (open) return socket;
    if (performance.now() > end) throw new Error(`Janus does not answer at ${url}`);
    await pause(100);
  }
}

function configure({ plugin, folder, host, port }: JanusOptions): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const off = (names: readonly string[]) => names.map(name => `libjanus_${name}.so`).join(',');
  write(
    'janus.jcfg',
    `general: { configs_folder = "${folder}" plugins_folder = "${LIBRARIES}/plugins" transports_folder = "${LIBRARIES}/transports"
      events_folder = "${LIBRARIES}/events" loggers_folder = "${LIBRARIES}/loggers" debug_level = 2 session_timeout = 0 }
     media: { rtp_port_range = "30000-36000" }
     nat: { ice_enforce_list = "${host}" ignore_mdns = true }
     plugins: { disable = "${off(PLUGINS.filter(name => name !== plugin))}" }
     transports: { disable = "${off(TRANSPORTS)}" }\n`,
  );
  write(
    'janus.transport.websockets.jcfg',
    `general: { json = "compact" ws = true ws_port = ${port} ws_ip = "${host}" wss = false }\nadmin: { admin_ws = false admin_wss = false }\n`,
  );
  const sip = plugin === 'sip' ? ' keepalive_interval = 0 register_ttl = 3600' : '';
  write(
    `janus.plugin.${plugin}.jcfg`,
    `general: { local_ip = "${host}" sdp_ip = "${host}" rtp_port_range = "37000-45000"${sip} events = false }\n`,
  );
}
