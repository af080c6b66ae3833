/** The stream of a channel through the pipeline: who may open it, how, and that closing does not wait for it. CAMARA digest 11a. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { CHANNELS, DEVICE, send, testApi } from '../../test/support/api-kit.ts';

async function opened() {
  const kit = testApi();
  const made = await send(kit.api, 'POST', `${CHANNELS}/channels`, { body: { deviceId: DEVICE } });
  assert.equal(made.status, 201);
  return { api: kit.api, at: `${CHANNELS}/channels/${made.body.channelId}/events`, body: made.body };
}

test('11a a new channel names its stream and a token to come back with', async () => {
  const { body } = await opened();
  assert.match(body.sseUrl, /^https:/);
  assert.equal(typeof body.resumeToken, 'string');
});

test('11a a bearer token of the owner or a ticket opens the stream; everything else is refused as ever', async () => {
  const { api, at } = await opened();
  const headers = { authorization: 'Bearer alice', accept: 'text/event-stream' };
  const good = await api.inject({ url: at, headers: { ...headers, 'last-event-id': '7' } });
  assert.equal(good.statusCode, 200);
  assert.equal(good.headers['content-type'], 'text/event-stream');
  assert.equal(good.headers['cache-control'], 'no-store');
  assert.equal(good.body, 'id: 7\ndata: {}\n\n');
  const byTicket = await api.inject({ url: `${at}?ticket=first` });
  assert.equal(byTicket.body, 'id: null\ndata: {}\n\n');
  for (const [url, more, status] of [
    [at, {}, 401],
    [`${at}?ticket=wrong`, {}, 401],
    [`${at}?ticket=first&ticket=first`, {}, 401],
    [`${at}?access_token=alice`, {}, 401],
    [at, { authorization: 'Bearer bob' }, 404],
    [at, { authorization: 'Bearer narrow' }, 403],
    [at, { ...headers, accept: 'application/json' }, 406],
    [at, { ...headers, 'last-event-id': '-1' }, 400],
    [at, { ...headers, 'last-event-id': '1 or 2' }, 400],
    [at.replace('channel-1', 'channel-9'), headers, 404],
    // A ticket opens the stream and nothing else.
    [`${at.replace('/events', '')}?ticket=first`, {}, 401],
  ] as const) {
    assert.equal((await api.inject({ url, headers: more })).statusCode, status, `${url} ${JSON.stringify(more)}`);
  }
  const json = await api.inject({ url: at, headers: { ...headers, accept: 'application/json' } });
  assert.doesNotMatch(json.body, /application/, 'it is not JSON that can be had');
});

test('11a closing the listener ends the streams', async () => {
  let ended = false;
  const kit = testApi(
    { port: 0 },
    {
      channels: {
        redeem: () => null,
        stream: () => (response: ServerResponse) =>
          void response.on('close', () => (ended = true)).write('retry: 2000\n\n'),
      } as never,
    },
  );
  const { url } = await kit.api.start();
  const asked = request(`${url}${CHANNELS}/channels/c1/events`, { headers: { authorization: 'Bearer alice' } }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await kit.api.close();
  assert.equal(ended, true);
});
