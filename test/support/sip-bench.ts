/** Test help: a transaction layer on a wire that only keeps what is sent, and messages to play with. */
import assert from 'node:assert/strict';
import { createRequest } from '../../src/sip/message/build.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parse.ts';
import { createTransactionLayer } from '../../src/sip/transaction/layer.ts';
import type { Sent, TransactionLayerOptions } from '../../src/sip/transaction/port.ts';
import type { Target, TransactionKey } from '../../src/sip/transaction/types.ts';
import { sampleRequest } from './sip-machine.ts';
import { createFakeClock } from './sip-world.ts';

export const PEER: Target = { transport: 'udp', host: '192.0.2.9', port: 5070 };
export const US = { host: '192.0.2.1', port: 5060 };

export interface Packet {
  bytes: Uint8Array;
  target: Target;
  sent: Sent | null;
}

/** A layer on a wire that only keeps what is sent. */
export function bench(options: Partial<TransactionLayerOptions> = {}) {
  const clock = createFakeClock();
  const packets: Packet[] = [];
  const told: string[] = [];
  const counted: string[] = [];
  const keys: TransactionKey[] = [];
  let branches = 0;
  const layer = createTransactionLayer({
    wire: {
      send: (bytes, target, sent) => void packets.push({ bytes, target, sent }),
      sentBy: target => (target.transport === 'tls' ? null : US),
    },
    timers: clock.timers,
    now: clock.now,
    random: () => {
      branches += 1;
      return `r${branches}`;
    },
    user: {
      onRequest(request, key) {
        keys.push(key);
        told.push(`request ${request.method}`);
      },
      onAck: request => void told.push(`ack ${request.headers.cseq()?.seq}`),
      onCancel: (_key, cancel) => void told.push(`cancel ${cancel.headers.get('Reason') ?? ''}`),
      onServerFailure: (_key, cause) => void told.push(`server failure ${cause}`),
    },
    count: (_name, labels) => void counted.push(labels['why'] ?? ''),
    log: (_level, message, fields) => assert.fail(`${message} ${JSON.stringify(fields)}`),
    ...options,
  });
  const sent = () => packets.map(({ bytes }) => decode(bytes));
  const user = {
    onResponse: (response: SipResponse) => void told.push(`response ${response.status}`),
    onFailure: (cause: string) => void told.push(`failure ${cause}`),
  };
  const receive = (message: SipMessage, source = PEER) => layer.receive({ ok: true, message }, source);
  const lines = () => sent().map(m => (m.type === 'request' ? m.method : `${m.status}`));
  return { clock, packets, told, counted, keys, layer, sent, lines, user, receive };
}

export function decode(bytes: Uint8Array): SipMessage {
  const result = parseMessage(bytes);
  assert.ok(result.ok);
  return result.message;
}

/** A request of ours, before the layer pushes its Via. */
export function ours(method: string, extra: ReadonlyArray<readonly [string, string]> = [], body = ''): SipRequest {
  return createRequest(
    method,
    'sip:bob@192.0.2.9',
    [
      ['Route', '<sip:p1.example.com;lr>'],
      ['Route', '<sip:p2.example.com;lr>'],
      ['Max-Forwards', '70'],
      ['From', '<sip:alice@192.0.2.1>;tag=a1'],
      ['To', '<sip:bob@192.0.2.9>'],
      ['Call-ID', 'call-1'],
      ['CSeq', `7 ${method}`],
      ...extra,
    ],
    body,
  );
}

export function theirs(
  method: string,
  branch: string,
  extra: ReadonlyArray<readonly [string, string]> = [],
): SipRequest {
  const request = sampleRequest(method, extra);
  request.headers.set('Via', `SIP/2.0/UDP 192.0.2.9:5070;branch=${branch}`);
  return request;
}

export function first(b: ReturnType<typeof bench>): SipRequest {
  const message = b.sent()[0];
  assert.ok(message?.type === 'request');
  return message;
}
