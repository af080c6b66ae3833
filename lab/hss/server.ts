/** The lab's HSS: Diameter over TCP for the CSCFs, and a small HTTP door for tests and people. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { CX_APPLICATION, createCx, release, SUCCESS } from './cx.ts';
import {
  avp,
  avp3gpp,
  createReader,
  type DiameterMessage,
  find,
  numberOf,
  textOf,
  VENDOR_3GPP,
  writeMessage,
} from './diameter.ts';
import { createBook, type HssSubscriber } from './subscriber.ts';

export interface HssOptions {
  address: string;
  diameterPort: number;
  controlPort: number;
  home: string;
}

const CAPABILITIES = 257;
const WATCHDOG = 280;
const DISCONNECT = 282;
const REGISTRATION_TERMINATION = 304;
const COMMAND_UNSUPPORTED = 3001;
const MAX_TRACE = 5000;
const RTA_MS = 3000;

/** Starts it; resolves when both ports are open. It ends with its process. */
export async function startHss(options: HssOptions): Promise<void> {
  const { home, address } = options;
  const book = createBook(home);
  const cx = createCx(book, home);
  const origin = [avp(264, `hss.${home}`), avp(296, home)];
  const application = avp(260, [avp(266, VENDOR_3GPP), avp(258, CX_APPLICATION)]);
  /** Connected CSCFs by their Origin-Host. */
  const peers = new Map<string, Socket>();
  const waiting = new Map<number, (result: number) => void>();
  const trace: Array<Record<string, unknown>> = [];
  let nextId = (Date.now() & 0xffff) << 8;

  function note(line: Record<string, unknown>): void {
    trace.push(line);
    if (trace.length > MAX_TRACE) trace.splice(0, MAX_TRACE / 5);
    console.log(JSON.stringify(line));
  }

  function onMessage(socket: Socket, message: DiameterMessage): void {
    const { avps, command } = message;
    if (!message.request) {
      waiting.get(message.hopByHop)?.(numberOf(avps, 268) ?? 0);
      return;
    }
    const answer = (parts: readonly Buffer[]) => {
      socket.write(writeMessage({ ...message, request: false }, parts));
    };
    const sessionId = find(avps, 263)?.data;
    const session = sessionId === undefined ? [] : [avp(263, sessionId)];
    const handler = message.application === CX_APPLICATION ? cx.get(command) : undefined;
    if (command === CAPABILITIES) {
      peers.set(textOf(avps, 264), socket);
      const ip = avp(257, Buffer.from([0, 1, ...address.split('.').map(Number)]));
      const product = [avp(266, VENDOR_3GPP), avp(269, 'lineside-lab'), avp(265, VENDOR_3GPP)];
      answer([avp(268, SUCCESS), ...origin, ip, ...product, avp(258, CX_APPLICATION), application]);
    } else if (command === WATCHDOG) answer([avp(268, SUCCESS), ...origin]);
    else if (command === DISCONNECT) {
      answer([avp(268, SUCCESS), ...origin]);
      socket.end();
    } else if (handler === undefined) answer([...session, avp(268, COMMAND_UNSUPPORTED), ...origin]);
    else {
      const { result, avps: parts } = handler(avps);
      const assignment = numberOf(avps, 614, VENDOR_3GPP);
      note({ command, impu: textOf(avps, 601, VENDOR_3GPP), impi: textOf(avps, 1), assignment, result });
      answer([...session, application, avp(277, 1), ...origin, ...parts]);
    }
  }

  const diameter = createServer(socket => {
    socket.setNoDelay(true);
    const read = createReader(message => onMessage(socket, message));
    socket.on('data', chunk => {
      if (!read(chunk)) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const [name, known] of peers) if (known === socket) peers.delete(name);
    });
  });

  /** Registration-Termination: the network takes a subscriber out. Resolves with the Result-Code, 0 for none. TS 29.228 6.1.3. */
  function terminate(subscriber: HssSubscriber): Promise<number> {
    const host = `scscf.${home}`;
    const socket = peers.get(host);
    if (socket === undefined) return Promise.resolve(0);
    nextId += 1;
    const id = nextId;
    const impi = [...subscriber.registeredImpis][0] ?? [...subscriber.secrets.keys()][0] ?? '';
    const result = new Promise<number>(resolve => {
      const timer = setTimeout(() => resolve(0), RTA_MS);
      waiting.set(id, code => {
        clearTimeout(timer);
        release(subscriber);
        resolve(code);
      });
    });
    const request = {
      request: true,
      command: REGISTRATION_TERMINATION,
      application: CX_APPLICATION,
      hopByHop: id,
      endToEnd: id,
    };
    socket.write(
      writeMessage(request, [
        ...[avp(263, `hss.${home};${Date.now()};${id}`), application, avp(277, 1), ...origin],
        ...[avp(293, host), avp(283, home), avp(1, impi), avp3gpp(601, subscriber.sip), avp3gpp(601, subscriber.tel)],
        avp3gpp(615, [avp3gpp(616, 0), avp3gpp(617, 'removed by the network')]),
      ]),
    );
    note({ command: REGISTRATION_TERMINATION, impu: subscriber.sip });
    return result.finally(() => waiting.delete(id));
  }

  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://hss');
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/peers') return send(200, [...peers.keys()]);
    if (url.pathname === '/trace') return send(200, trace);
    const subscriber = book.byImpu(url.searchParams.get('impu') ?? '');
    if (subscriber === undefined) return send(404, { error: 'unknown identity' });
    if (url.pathname === '/rtr' && request.method === 'POST') return send(200, { result: await terminate(subscriber) });
    const { state, serverName, registeredImpis } = subscriber;
    send(200, { state, serverName, registeredImpis: [...registeredImpis] });
  }

  const http = createHttpServer((request, response) => void control(request, response));
  await new Promise<void>(resolve => diameter.listen(options.diameterPort, address, resolve));
  await new Promise<void>(resolve => http.listen(options.controlPort, address, resolve));
  console.log(`HSS ready, ${book.size} subscribers`);
}
