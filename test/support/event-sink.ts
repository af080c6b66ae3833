/** An https sink that a test starts: takes events, says what it is told to say, and checks what every consumer may rely on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { CloudEvent } from './camara.ts';
import { checkEvent } from './event-schema.ts';

export interface EventSink {
  /** The certificate is for 127.0.0.1. */
  readonly url: string;
  /** Every attempt in order of arrival, those answered with an error too. */
  readonly tried: CloudEvent[];
  /** The x-correlator of each attempt. */
  readonly correlators: string[];
  /** Those answered 204. */
  readonly taken: CloudEvent[];
  /** HTTP status for an event; 204 unless a test says otherwise. */
  answer: (event: CloudEvent) => number | Promise<number>;
  close(): Promise<void>;
}

const file = (name: string) => new URL(`./tls/${name}`, import.meta.url);

/** The authority that the gateway must trust, for NODE_EXTRA_CA_CERTS. */
export const SINK_CA = file('ca.pem').pathname;
const FINAL = new Set(['Terminated', 'SessionCancelled', 'Declined', 'Failed', 'NoAnswer', 'NotReachable', 'Busy']);

export async function startEventSink(): Promise<EventSink> {
  const server = createServer({ key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) });
  server.on('request', async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const event = JSON.parse(body) as CloudEvent;
    sink.tried.push(event);
    sink.correlators.push(String(request.headers['x-correlator']));
    checkEvent(event);
    const status = await sink.answer(event);
    if (status === 204) sink.taken.push(event);
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sink: EventSink = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    tried: [],
    correlators: [],
    taken: [],
    answer: () => 204,
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return sink;
}

/**
 * Holds what was taken against the documents and the promise: for each session 1, 2, 3 ... without a gap, a repeat only with the same id, and nothing new after
 * the end. Gives the sessions that have ended.
 */
export function checkOrder(events: readonly CloudEvent[]): { ended: Set<string>; open: Set<string>; repeats: number } {
  const sessions = new Map<string, { ids: string[]; final: boolean }>();
  let repeats = 0;
  for (const event of events) {
    checkEvent(event);
    const { id, data } = event;
    if (data.mediaSessionId === undefined) continue;
    const seen = sessions.get(data.mediaSessionId) ?? { ids: [], final: false };
    sessions.set(data.mediaSessionId, seen);
    const number = data.sequenceNumber as number;
    const before = seen.ids[number - 1];
    const place = `${data.mediaSessionId} ${number} ${data.status}`;
    if (before !== undefined) {
      assert.equal(id, before, `${place}: another event under the same number`);
      repeats += 1;
      continue;
    }
    assert.equal(number, seen.ids.length + 1, `${place}: a gap`);
    assert.ok(!seen.final, `${place}: after the end`);
    seen.ids.push(id);
    seen.final = FINAL.has(data.status);
  }
  const of = (final: boolean) => new Set([...sessions].filter(([, seen]) => seen.final === final).map(([id]) => id));
  return { ended: of(true), open: of(false), repeats };
}
