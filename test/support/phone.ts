/** A real SIP softphone as the SIM phone of a subscriber: baresip without a sound device, driven over its control port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOMAIN, SUBSCRIBERS } from '../../sandbox/subscribers.ts';
import { strongestTone, type Tone, toneWav, wavSamples } from './tone.ts';

export interface PhoneOptions {
  /** Address of registrar and outbound proxy. */
  registrar: string;
  /** Its port. Default: 5070, of the sandbox's IMS. */
  port?: number;
  /** User name of the digest. Default: the number. */
  user?: string;
  number: string;
  /** What the phone plays into a call. */
  toneHz: number;
  transport?: 'udp' | 'tcp';
  /** Loopback address the phone names in SIP and SDP. Default: the one its RTP comes from. */
  host?: string;
  /** Sends a moving test picture in VP8, and takes video. */
  video?: boolean;
  /** Its sound is SRTP with keys in SDP where that is asked for, or it is that and nothing else. Default: plain RTP. */
  srtp?: 'srtp' | 'srtp-mand';
  /** The one codec it speaks. Default: G.711, both laws. */
  codec?: PhoneCodec;
}

export type PhoneCodec = 'AMR-WB' | 'AMR' | 'G722' | 'opus' | 'PCMA';

/** As baresip names them, with the rate of their samples; and the module that has each. */
const CODECS: Readonly<Record<PhoneCodec, { name: string; rate: number; module: string }>> = {
  'AMR-WB': { name: 'AMR-WB/16000/1', rate: 16_000, module: 'amr' },
  AMR: { name: 'AMR/8000/1', rate: 8000, module: 'amr' },
  G722: { name: 'G722/16000/1', rate: 16_000, module: 'g722' },
  opus: { name: 'opus/48000/2', rate: 48_000, module: 'opus' },
  PCMA: { name: 'PCMA/8000/1,PCMU/8000/1', rate: 8000, module: 'g711' },
};

export interface PhoneEvent {
  /** As baresip names it: REGISTER_OK, CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, CALL_DTMF_START ... */
  type: string;
  peeruri?: string;
  param?: string;
}

/** One SIP message that passed the phone's socket. */
export interface WireMessage {
  /** Address and port it came from and went to, as printed. */
  from: string;
  to: string;
  startLine: string;
  /** Start line and headers. */
  text: string;
  body: string;
}

export interface Phone {
  readonly number: string;
  readonly events: PhoneEvent[];
  /** The first event of a type at or after `from` in `events`. Rejects after `ms`. */
  waitFor(type: string, from?: number, ms?: number): Promise<PhoneEvent>;
  dial(target: string): Promise<void>;
  accept(): Promise<void>;
  /** Ends a call, refuses one that rings, gives up one of its own. */
  hangUp(): Promise<void>;
  /** Presses keys, each for 100 ms. */
  press(digits: string): Promise<void>;
  /** What was sent and received so far, in order. */
  wire(): WireMessage[];
  /** The strongest tone of the last `seconds` of what the phone heard in its latest call; 0 Hz while that is shorter. */
  heard(seconds?: number): Tone;
  /** Size of the next picture that the phone has decoded, in pixels. Rejects after 15 s; needs `video`. */
  picture(): Promise<{ width: number; height: number }>;
  close(): Promise<void>;
}

/** The phone sends RTP from whatever address the system prefers, and on loopback that is this one. */
const RTP_HOST = '127.0.0.1';
const TONE_SECONDS = 60;
const PROGRAM = '/usr/bin/baresip';
/** A hundred ports for each phone, out of the way of the sandbox and of the system's own choice. */
const FIRST_PORT = 11_000;
const PHONES = 80;

interface Ports {
  sip: number;
  control: number;
  rtpMin: number;
  rtpMax: number;
}

/** Starts the phone and waits until it is registered. Rejects with what the phone printed when it is not within 15 s. */
export async function startPhone(options: PhoneOptions): Promise<Phone> {
  const { number, host = RTP_HOST, codec = 'PCMA' } = options;
  const ports = await freePorts(host);
  const folder = mkdtempSync(join(tmpdir(), 'lineside-phone-'));
  writeFileSync(join(folder, 'tone.wav'), toneWav(options.toneHz, TONE_SECONDS, CODECS[codec].rate));
  const modules = [
    ...[CODECS[codec].module, 'aufile', 'sndfile'],
    ...(options.video === true ? ['vp8', 'fakevideo', 'snapshot'] : []),
    ...(options.srtp === undefined ? [] : ['srtp']),
  ];
  writeFileSync(join(folder, 'config'), configOf(host, ports, folder, modules, options.video === true));
  writeFileSync(join(folder, 'accounts'), accountOf(options));
  writeFileSync(join(folder, 'contacts'), '');
  const child = spawn(PROGRAM, ['-f', folder, '-4', '-s', '-v'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  const wire = () => messagesOf(printed);
  const events: PhoneEvent[] = [];
  let control: Control | null = null;

  async function close(): Promise<void> {
    control?.close();
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  }

  async function waitFor(type: string, from = 0, ms = 15_000): Promise<PhoneEvent> {
    const until = Date.now() + ms;
    for (;;) {
      const found = events.slice(from).find(event => event.type === type);
      if (found !== undefined) return found;
      if (Date.now() > until) {
        const seen = events.slice(from).map(event => `${event.type} ${event.param ?? ''}`);
        throw new Error(`${number}'s phone: no ${type} within ${ms} ms; there were ${seen.join(', ') || 'none'}`);
      }
      await pause(20);
    }
  }

  try {
    control = await openControl(host, ports.control, event => events.push(event), child);
    await registered(wire);
  } catch (error) {
    await close();
    throw new Error(`The phone did not register: ${String(error)}\n${printed.slice(-3000)}`);
  }
  const { command } = control;
  return {
    number,
    events,
    waitFor,
    dial: target => command('dial', target),
    accept: () => command('accept'),
    hangUp: () => command('hangup'),
    async press(digits) {
      for (const digit of digits) {
        await command('sndcode', digit);
        await pause(250);
      }
    },
    wire,
    heard(seconds = 1) {
      const { samples, rate } = newestRecording(folder);
      return samples.length < seconds * rate
        ? { hz: 0, share: 0 }
        : strongestTone(samples.slice(-seconds * rate), rate);
    },
    async picture() {
      const file = join(folder, 'picture.png');
      rmSync(file, { force: true });
      await command('snapshot_recv', file);
      return pictureIn(file);
    },
    close,
  };
}

/** Waits until the file is whole. Width and height stand in its first chunk, and IEND ends it. PNG 11.2.2, 11.2.5. */
async function pictureIn(file: string): Promise<{ width: number; height: number }> {
  const until = Date.now() + 15_000;
  for (;;) {
    const png = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
    if (png.subarray(-8, -4).toString('latin1') === 'IEND')
      return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
    if (Date.now() > until) throw new Error('the phone has decoded no picture');
    await pause(100);
  }
}

const VIDEO = [
  'video_source fakevideo,nil',
  'video_display fakevideo,nil',
  'video_size 320x240',
  'video_fps 15',
  'video_bitrate 300000',
];

/** Ports nobody listens on: SIP takes the next one too, for TLS. */
async function freePorts(host: string): Promise<Ports> {
  const first = Math.floor(Math.random() * PHONES);
  for (let n = 0; n < PHONES; n += 1) {
    const base = FIRST_PORT + 100 * ((first + n) % PHONES);
    const free = await Promise.all([base, base + 1, base + 2].map(port => isFree(host, port)));
    if (free.every(Boolean)) return { sip: base, control: base + 2, rtpMin: base + 10, rtpMax: base + 99 };
  }
  throw new Error('There is no port left for a phone.');
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer().on('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

function configOf(host: string, ports: Ports, folder: string, modules: readonly string[], video: boolean): string {
  const settings = [
    'poll_method epoll',
    `net_interface ${host}`,
    `sip_listen ${host}:${ports.sip}`,
    `rtp_ports ${ports.rtpMin}-${ports.rtpMax}`,
    'call_local_timeout 120',
    'call_max_calls 4',
    `audio_source aufile,${folder}/tone.wav`,
    `audio_player aufile,${folder}/played.wav`,
    `audio_alert aufile,${folder}/alert.wav`,
    'ausrc_channels 1',
    'auplay_channels 1',
    'audio_buffer 20-160',
    `snd_path ${folder}`,
    `ctrl_tcp_listen ${host}:${ports.control}`,
    'module_path /usr/lib/baresip/modules',
    ...(video ? VIDEO : []),
    ...modules.map(name => `module ${name}.so`),
    ...['uuid', 'account'].map(name => `module_tmp ${name}.so`),
    ...['ctrl_tcp', 'menu'].map(name => `module_app ${name}.so`),
  ];
  return `${settings.join('\n')}\n`;
}

/** The line a user writes into ~/.baresip/accounts; README shows the same. */
function accountOf(options: PhoneOptions): string {
  const { number, user = number, registrar, port = 5070, transport = 'udp', codec = 'PCMA' } = options;
  const protection = options.srtp === undefined ? '' : `;mediaenc=${options.srtp}`;
  const password = SUBSCRIBERS.find(subscriber => subscriber.number === number)?.phonePassword ?? '';
  return (
    `<sip:${number}@${DOMAIN}>;auth_user=${user};auth_pass=${password};` +
    `outbound="sip:${registrar}:${port};transport=${transport}";regint=600;audio_codecs=${CODECS[codec].name};answermode=manual${protection}\n`
  );
}

async function registered(wire: () => WireMessage[]): Promise<void> {
  const until = Date.now() + 15_000;
  const isOk = ({ startLine, text }: WireMessage) =>
    startLine === 'SIP/2.0 200 OK' && /^CSeq: \d+ REGISTER/m.test(text) && /^Contact:/m.test(text);
  while (!wire().some(isOk)) {
    if (Date.now() > until) throw new Error('no 200 to REGISTER');
    await pause(20);
  }
}

interface Control {
  command(name: string, params?: string): Promise<void>;
  close(): void;
}

/** baresip's control port: JSON in netstrings (length, colon, text, comma), one answer for each command, events in between. */
async function openControl(
  host: string,
  port: number,
  onEvent: (event: PhoneEvent) => void,
  child: ChildProcess,
): Promise<Control> {
  const socket = await dialControl(host, port, child);
  const waiting = new Map<string, (ok: boolean) => void>();
  let rest = '';
  let sent = 0;
  // The texts are ASCII here: baresip escapes the others, so characters are bytes.
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text;
    for (;;) {
      const colon = rest.indexOf(':');
      const length = Number(rest.slice(0, Math.max(colon, 0)));
      if (colon === -1 || rest.length < colon + 1 + length + 1) return;
      const message = JSON.parse(rest.slice(colon + 1, colon + 1 + length));
      rest = rest.slice(colon + 2 + length);
      if (message.event === true) onEvent(message as PhoneEvent);
      else waiting.get(message.token)?.(message.ok === true);
    }
  });
  return {
    command(command, params = '') {
      sent += 1;
      const token = String(sent);
      const text = JSON.stringify({ command, params, token });
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the phone did not answer "${command}"`)), 5000);
        waiting.set(token, ok => {
          clearTimeout(timer);
          waiting.delete(token);
          if (ok) resolve();
          else reject(new Error(`the phone refused "${command} ${params}"`));
        });
        socket.write(`${text.length}:${text},`);
      });
    },
    close: () => socket.destroy(),
  };
}

async function dialControl(host: string, port: number, child: ChildProcess): Promise<Socket> {
  const until = Date.now() + 10_000;
  for (;;) {
    const socket = await new Promise<Socket | null>(resolve => {
      const made = connect(port, host, () => resolve(made)).on('error', () => resolve(null));
    });
    if (socket !== null) return socket;
    if (child.exitCode !== null || Date.now() > until) throw new Error('its control port does not answer');
    await pause(50);
  }
}

/** baresip's trace: a line with the two addresses, the message, a blank line; control characters colour the terminal. */
function messagesOf(printed: string): WireMessage[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of a terminal begin with one.
  const plain = printed.replace(/\u001b\[[0-9;]*m/g, '').replaceAll('\r', '');
  const messages: WireMessage[] = [];
  for (const block of plain.split(/^(?=(?:UDP|TCP) [\d.:]+ -> [\d.:]+$)/m)) {
    const [addresses = '', ...lines] = block.split('\n');
    const found = /^(?:UDP|TCP) (\S+) -> (\S+)$/.exec(addresses);
    const blank = lines.indexOf('');
    const text = lines.slice(0, blank === -1 ? undefined : blank).join('\n');
    const rest = lines.slice(blank + 1);
    const body = rest.slice(0, Math.max(rest.indexOf(''), 0)).join('\n');
    const [startLine = ''] = lines;
    if (found !== null && blank !== -1)
      messages.push({ from: found[1] ?? '', to: found[2] ?? '', startLine, text, body });
  }
  return messages;
}

/** What the phone decoded in its latest call: 16 bit, its first channel. */
function newestRecording(folder: string): { samples: number[]; rate: number } {
  const files = readdirSync(folder)
    .filter(name => /^dump-.*-dec\.wav$/.test(name))
    .map(name => join(folder, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return files[0] === undefined ? { samples: [], rate: 1 } : wavSamples(readFileSync(files[0]));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(timer);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
