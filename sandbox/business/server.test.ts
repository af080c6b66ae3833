import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { startBusiness } from './server.ts';

const HOST = '127.0.0.68';
const PORT = 9094;

/** As it is on the wire: `fetch` would tidy the path up. */
const get = (path: string) =>
  new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const asked = request({ host: HOST, port: PORT, path }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    asked.on('error', reject).end();
  });

test('the demo business shows its pages with the entry points in them, and no path ends it', async t => {
  const gateway = 'http://gateway.example';
  const business = await startBusiness({ host: HOST, port: PORT, gateway, entryPoints: { talk: 'entry-point-1' } });
  t.after(() => business.close());
  for (const path of ['//', '/../server.ts', '/%2e%2e/server.ts', '/nothing.html', 'http://[', '*'])
    assert.equal((await get(path)).status, 404, path);
  const { status, text } = await get('/?from=test');
  assert.equal(status, 200);
  assert.match(text, /src="http:\/\/gateway\.example\/click-to-call\.js"/);
  assert.match(text, /entry-point="entry-point-1"/);
});
