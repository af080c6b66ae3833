/** The operator's core as a bench needs it: one UDP socket that registers everyone and answers every call at once, as cheaply as can be. */
import { createSocket } from 'node:dgram';

export interface BenchCore {
  /** When the INVITE of a call to this number came, and when its 200 left, in ms of `performance.now()`. */
  readonly invitedAt: Map<string, number>;
  readonly answeredAt: Map<string, number>;
  close(): Promise<void>;
}

export async function startCore(host: string, port: number): Promise<BenchCore> {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: 1 << 22,
    lookup: (name, _, done) => done(null, name, 4),
  });
  const invitedAt = new Map<string, number>();
  const answeredAt = new Map<string, number>();
  socket.on('message', (bytes, peer) => {
    const now = performance.now();
    const text = bytes.toString('latin1');
    const method = text.slice(0, text.indexOf(' '));
    if (method === 'SIP/2.0' || method === 'ACK') return;
    const send = (line: string, more = '', body = '') =>
      socket.send(responseTo(text, line, more, body), peer.port, peer.address);
    if (method === 'REGISTER') {
      send(
        '200 OK',
        `Contact: ${field(text, 'Contact').replace(/;expires=\d+/, '')};expires=3600\r\nService-Route: <sip:${host}:${port};lr>\r\n`,
      );
    } else if (method === 'INVITE') {
      const callee = /^INVITE sip:([^@;> ]+)/.exec(text)?.[1] ?? '';
      const contact = `Contact: <sip:core@${host}:${port}>\r\n`;
      invitedAt.set(callee, now);
      send('180 Ringing', contact);
      send('200 OK', `${contact}Content-Type: application/sdp\r\n`, answer(host));
      answeredAt.set(callee, performance.now());
    } else send('200 OK');
  });
  await new Promise<void>(resolve => socket.bind(port, host, resolve));
  return { invitedAt, answeredAt, close: () => new Promise(resolve => socket.close(() => resolve())) };
}

const answer = (host: string) =>
  `v=0\r\no=- 1 1 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio 24000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n`;

function responseTo(request: string, line: string, more: string, body: string): string {
  const to = field(request, 'To');
  const tag = to.includes(';tag=') ? '' : ';tag=core';
  const copied = ['From', 'Call-ID', 'CSeq'].map(name => `${name}: ${field(request, name)}\r\n`).join('');
  const vias = request.match(/^Via: .*\r\n/gm)?.join('') ?? '';
  return `SIP/2.0 ${line}\r\n${vias}To: ${to}${tag}\r\n${copied}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function field(text: string, name: string): string {
  const start = text.indexOf(`\r\n${name}: `) + name.length + 4;
  return text.slice(start, text.indexOf('\r\n', start));
}
