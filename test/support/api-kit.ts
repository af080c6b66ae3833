/** For tests of the API layer: an API server on top of a small core, event side and token check, whose every response is held against its own documents. */
import type { ClickToCall } from '../../src/api/ports.ts';
import { type ApiParts, type ApiServer, createApi } from '../../src/api/server.ts';
import { checkSettings } from '../../src/config/settings.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createCallerRates } from '../../src/runtime/rate-limit.ts';
import { type FakeCore, fakeChannels, fakeCore, fakeIds, fakeSubscriptions, fakeTokens, NOW } from './api-fakes.ts';
import { type Contract, createContract } from './contract.ts';

export { NOW } from './api-fakes.ts';
export const DEVICE = '7d444840-9dc0-11d1-b245-5ffdce74fad2';
export const REGISTRATION = '/webrtc-registration/v0.4rc1';
export const CALLS = '/webrtc-call-handling/v0.4rc1';
export const EVENTS = '/webrtc-events-subscriptions/v0.3rc1';
export const CHANNELS = '/webrtc-notification-channels/v0.1';
export const ICE_SERVERS = '/webrtc-ice-servers/v0.1';
export const CLICK_TO_CALL = '/webrtc-click-to-call/v0.1';

/** CAMARA r2.2 beside today's APIs. */
export const BEFORE = {
  registrationV03Paths: ['/webrtc-registration/v0.3'],
  callHandlingV03Paths: ['/webrtc-call-handling/v0.3'],
  eventsV02Paths: ['/webrtc-events/v0.2'],
};

/** Enough for the document of click to call; its operations are played over the whole gateway. */
export const describedOnly = { clickToCall: {} as ClickToCall };

interface Counted {
  name: string;
  labels: Readonly<Record<string, string>>;
}

export interface TestApi {
  api: ApiServer;
  core: FakeCore;
  counted: Counted[];
  logged: Array<Readonly<Record<string, unknown>>>;
  time: { now: number };
}

/** `apiSettings` are settings of the area `api`; port 0 unless they say otherwise. */
export function testApi(apiSettings: Record<string, unknown> = {}, parts: Partial<ApiParts> = {}): TestApi {
  const core = fakeCore();
  const counted: Counted[] = [];
  const logged: TestApi['logged'] = [];
  const time = { now: NOW };
  const keep = (fields: Readonly<Record<string, unknown>>) => {
    logged.push(fields);
  };
  const settings = checkSettings({
    api: {
      port: 0,
      clients: {
        demo: { origins: ['https://demo.example'], numbers: ['+15550100001'] },
        other: { origins: ['https://other.example'], numbers: [] },
      },
      ...apiSettings,
    },
  });
  const api = createApi({
    settings,
    tokens: fakeTokens(),
    rates: createCallerRates(settings.api),
    core,
    subscriptions: fakeSubscriptions(),
    channels: fakeChannels(),
    ids: fakeIds(),
    clock: { now: () => time.now },
    log: { ...silentLog, info: keep, warn: keep, error: keep },
    metrics: {
      count: (name, labels = {}) => {
        counted.push({ name, labels });
      },
      observe: (name, _value, labels = {}) => {
        counted.push({ name, labels });
      },
      gauge: () => {},
      text: async () => '',
      contentType: 'text/plain',
    },
    ...parts,
  });
  return { api, core, counted, logged, time };
}

export interface Sent {
  token?: string | null;
  headers?: Record<string, string | string[]>;
  /** An object goes as JSON; text and bytes as they are, with the type of JSON. */
  body?: unknown;
}

export interface Got {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came.
  body: any;
  text: string;
}

/** One for all servers of a test file; the documents come from a server of their own, so that nothing is counted or logged where a test looks. */
let contract: Contract | null = null;
let described: ApiServer | null = null;

async function documentOf(base: string): Promise<unknown> {
  described ??= testApi(BEFORE, describedOnly).api;
  const response = await described.inject({ method: 'GET', url: `${base}/openapi.json` });
  return response.statusCode === 200 ? JSON.parse(response.payload) : null;
}

/** Sends a request as `token` (default alice; null: nobody). */
export async function send(api: ApiServer, method: string, url: string, sent: Sent = {}): Promise<Got> {
  const { token = 'alice', headers = {}, body } = sent;
  const payload = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await api.inject({
    method: method as 'GET',
    url,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: payload as string }),
  });
  let parsed: unknown = null;
  try {
    parsed = JSON.parse(response.payload);
  } catch {
    // Not every answer has a body.
  }
  const got = { status: response.statusCode, headers: response.headers, body: parsed, text: response.payload };
  contract ??= createContract();
  const correlator = headers['x-correlator'];
  const said = typeof correlator === 'string' ? correlator : undefined;
  await contract.response(documentOf, method, url, got, said);
  return got;
}
