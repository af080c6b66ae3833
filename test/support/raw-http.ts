/** HTTP by bytes: what a well-behaved client cannot send, and what came back of it. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';

/** Writes bytes and reads until the other side closes. */
export function talk(port: number, bytes: string | Buffer, onSocket?: (socket: Socket) => void): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      onSocket?.(socket);
    });
    let heard = '';
    socket.setEncoding('utf8');
    socket.on('data', text => {
      heard += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

/** One whole answer in the form of all refusals, and the end of the connection. */
export function checkRefusal(got: string, status: number, code: string, correlator: RegExp = /^[0-9a-f-]{36}$/): void {
  const [top = '', body = ''] = got.split('\r\n\r\n');
  assert.match(top, new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
  const lines = new Map(top.split('\r\n').map(line => line.toLowerCase().split(': ', 2) as [string, string]));
  assert.equal(lines.get('connection'), 'close');
  assert.equal(lines.get('content-type'), 'application/json');
  assert.equal(lines.get('cache-control'), 'no-store');
  assert.match(lines.get('x-correlator') ?? '', correlator);
  assert.equal(Number(lines.get('content-length')), Buffer.byteLength(body), got);
  const { message, ...error } = JSON.parse(body);
  assert.deepEqual(error, { status, code });
  assert.match(message, /\.$/);
}
