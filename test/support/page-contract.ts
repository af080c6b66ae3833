/** Holds what a page gets of the gateway, every response and every event, against the documents the gateway serves. */
import assert from 'node:assert/strict';
import { type BrowserContext, type Response, request, type WebSocket } from 'playwright-core';
import { createContract } from './contract.ts';

export interface PageContract {
  /** To be called before the profile has a page. */
  watch(profile: BrowserContext): void;
  /** Waits for what is still being read. Throws AssertionError with all that was wrong, or when pages were watched and nothing came. */
  close(): Promise<void>;
}

/** `pages` is the base URL of the gateway. */
export async function createPageContract(pages: string): Promise<PageContract> {
  const documents = await request.newContext({ baseURL: pages, ignoreHTTPSErrors: true });
  const documentOf = async (base: string): Promise<unknown> => {
    const response = await documents.get(`${base}/openapi.json`);
    return response.ok() ? response.json() : null;
  };
  const contract = createContract();
  await contract.learn(documentOf);
  const faults: string[] = [];
  const reading = new Set<Promise<void>>();
  const seen = { profiles: 0, responses: 0, events: 0 };

  async function hold(response: Response): Promise<void> {
    const { pathname } = new URL(response.url());
    if (!pathname.startsWith('/webrtc-')) return;
    const headers = await response.allHeaders();
    if (headers['content-type'] === 'text/event-stream') return;
    const asked = response.request();
    const text = response.status() === 204 ? '' : await response.text();
    const got = { status: response.status(), headers, body: text === '' ? null : JSON.parse(text) };
    await contract.response(documentOf, asked.method(), pathname, got, asked.headers()['x-correlator']);
    seen.responses += 1;
  }

  function hear(payload: string | Buffer): void {
    const frame = JSON.parse(String(payload));
    if (frame.op !== 'event') return;
    contract.event(frame.event, null);
    seen.events += 1;
  }

  /** A page that has gone takes with it what was not read yet; that is no fault of the gateway. */
  function note(fault: unknown): void {
    if (fault instanceof assert.AssertionError || fault instanceof SyntaxError) faults.push(fault.message);
  }

  function listen(socket: WebSocket): void {
    // Other sockets carry no events: SIP is not JSON.
    if (!new URL(socket.url()).pathname.startsWith('/webrtc-')) return;
    socket.on('framereceived', ({ payload }) => {
      try {
        hear(payload);
      } catch (fault) {
        note(fault);
      }
    });
  }

  return {
    watch(profile) {
      seen.profiles += 1;
      profile.on('response', response => {
        const held = hold(response)
          .catch(note)
          .finally(() => reading.delete(held));
        reading.add(held);
      });
      profile.on('page', page => page.on('websocket', listen));
    },
    async close() {
      await Promise.all(reading);
      await documents.dispose();
      assert.deepEqual(faults, [], 'a page got what no document tells of');
      const { profiles, responses, events } = seen;
      assert.ok(
        profiles === 0 || (responses > 0 && events > 0),
        `${responses} responses and ${events} events of pages`,
      );
    },
  };
}
