/** From a SIP message to bytes: long canonical names, one line per field, Content-Length always right. RFC 3261 7. */

import { HeaderList } from './header-list.ts';
import type { SipMessage } from './message.ts';
import { hasControl } from './value.ts';

/** Writes a message. Throws TypeError when its start line holds what would break the line: a promise broken by its author. */
export function serialize(message: SipMessage): Buffer {
  const { headers, body } = message;
  let head = startLine(message);
  if (headers instanceof HeaderList) head += headers.wire();
  else for (const [name, value] of headers.entries()) if (name !== 'Content-Length') head += `${name}: ${value}\r\n`;
  head += `Content-Length: ${body.length}\r\n\r\n`;
  if (body.length === 0) return Buffer.from(head, 'utf8');
  const headBytes = Buffer.byteLength(head, 'utf8');
  const bytes = Buffer.allocUnsafe(headBytes + body.length);
  bytes.write(head, 0, 'utf8');
  bytes.set(body, headBytes);
  return bytes;
}

function startLine(message: SipMessage): string {
  if (message.type === 'response') {
    if (hasControl(message.reason)) throw new TypeError('control character in the reason phrase');
    return `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  }
  if (hasControl(message.uri) || message.uri.includes(' '))
    throw new TypeError('space or control character in the Request-URI');
  return `${message.method} ${message.uri} SIP/2.0\r\n`;
}
