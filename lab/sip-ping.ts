/** One OPTIONS over UDP: does somebody answer 200 there? */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

/** Resolves within a second. */
export function sipPing(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise<boolean>(resolve => {
    const timer = setTimeout(() => resolve(false), 1000);
    const end = (answered: boolean) => {
      clearTimeout(timer);
      resolve(answered);
    };
    socket.on('error', () => end(false));
    socket.on('message', text => end(text.toString('latin1').startsWith('SIP/2.0 200')));
    socket.bind(0, host, () => {
      const own = `${host}:${socket.address().port}`;
      const id = randomBytes(8).toString('hex');
      const lines = [
        `OPTIONS sip:${host}:${port} SIP/2.0`,
        `Via: SIP/2.0/UDP ${own};branch=z9hG4bK${id}`,
        `From: <sip:ping@${own}>;tag=${id}`,
        `To: <sip:${host}:${port}>`,
        `Call-ID: ${id}`,
        'CSeq: 1 OPTIONS',
        'Max-Forwards: 70',
        'Content-Length: 0',
        '',
        '',
      ];
      socket.send(lines.join('\r\n'), port, host);
    });
  }).finally(() => socket.close());
}
