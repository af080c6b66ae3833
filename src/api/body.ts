/** Reads a request body off the wire, never more of it than the limit. CAMARA digest 2.3. */
import type { IncomingMessage } from 'node:http';

export type BodyResult = { ok: true; bytes: Buffer } | { ok: false; reason: 'too-large' | 'aborted' };

/** True when a body comes with the request; it may still turn out empty when it is chunked. RFC 9112 6.3. */
export function hasBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return true;
  const length = request.headers['content-length'];
  return length !== undefined && length !== '0';
}

/** Reads the whole body, or stops at `limitBytes`. A Content-Length over the limit is believed, one under it is not. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<BodyResult> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return Promise.resolve({ ok: false, reason: 'too-large' });
  }
  return new Promise(resolve => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (result: BodyResult) => {
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) {
        request.pause();
        done({ ok: false, reason: 'too-large' });
      } else chunks.push(chunk);
    };
    const onEnd = () => done({ ok: true, bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) });
    const onClose = () => done({ ok: false, reason: 'aborted' });
    // A reset connection says 'error' before 'close'; 'close' is enough, but an unheard 'error' would end the process.
    request.on('error', onClose);
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('close', onClose);
  });
}

/** True when so much body may still come that the connection is better given up than read out. */
export function isUnreadable(request: IncomingMessage, limitBytes: number): boolean {
  if (request.complete) return false;
  return (
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > limitBytes
  );
}

/**
 * Throws away what still comes of a body until it ends, `limitBytes` of it went by, or `limitMs` passed. A client that
 * is still writing would otherwise see its connection reset before it has read our answer.
 */
export function drainBody(request: IncomingMessage, limitBytes: number, limitMs: number): Promise<void> {
  return new Promise(resolve => {
    let left = limitBytes;
    const timer = setTimeout(done, limitMs);
    function done(): void {
      clearTimeout(timer);
      request.off('data', onData);
      request.off('end', done);
      request.off('close', done);
      resolve();
    }
    function onData(chunk: Buffer): void {
      left -= chunk.length;
      if (left < 0) done();
    }
    request.on('error', done);
    request.on('data', onData);
    request.on('end', done);
    request.on('close', done);
    if (request.readableEnded || request.destroyed) done();
  });
}
