/** SIP over TLS with a Kamailio, certificates asked for on both sides: registration, a call there and back, and who is not let in. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type IdentityProvider, startIdentityProvider } from '../../sandbox/identity/provider.ts';
import { checkSettings } from '../../src/config/settings.ts';
import { createGateway } from '../../src/gateway.ts';
import { Device, fetchToken } from '../support/camara.ts';
import { startTlsCore, type TlsCore } from '../support/kamailio-tls.ts';
import { browserAnswer, chromiumOffer } from '../support/media-sdp.ts';
import { ADA, BELA } from '../support/number.ts';
import { type Holder, tlsFile } from '../support/sip-tls.ts';

const HOST = '127.0.0.48';
const SESSIONS = '/webrtc-registration/v0.4rc1/sessions';

let identity: IdentityProvider;
let core: TlsCore;

before(async () => {
  identity = await startIdentityProvider({ host: HOST, port: 9092, pagesUrls: [] });
  core = await startTlsCore('core');
});

after(async () => {
  await core?.close();
  await identity?.close();
});

/** A gateway that shows the certificate of `holder` and believes no address, only certificates; devices by number. */
async function gateway(t: TestContext, holder: Holder, entry: string) {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-tls-'));
  const made = await createGateway(
    checkSettings({
      public: { url: `http://${HOST}:9091` },
      api: { host: HOST, clients: { demo: {} } },
      auth: { issuers: [identity.issuer] },
      sip: {
        host: HOST,
        transports: ['tls'],
        tlsCert: tlsFile(`${holder}.pem`),
        tlsKey: tlsFile(`${holder}.key`),
        tlsCa: tlsFile('ca.pem'),
        tlsPeers: ['ims.example.com'],
        trustedPeers: [],
        optionsMs: 0,
      },
      ims: { entry, transport: 'tls', home: 'ims.example.com' },
      media: { webHost: HOST, imsHost: HOST, prefixes: ['127.0.0.0/8'], shedLagMs: 5000 },
      store: { file: join(folder, 'lineside.sqlite'), keyFile: join(folder, 'lineside.key') },
      ops: { host: HOST },
      log: { level: 'error' },
    }),
  );
  await made.start();
  const devices: Device[] = [];
  t.after(async () => {
    for (const device of devices) device.close();
    await made.close({ drain: false });
    rmSync(folder, { recursive: true, force: true });
  });
  return async (number: string) => {
    const device = new Device(`http://${HOST}:9091`, await fetchToken(identity.issuer, number));
    devices.push(device);
    return device;
  };
}

test('two numbers register by TLS and call each other: our certificate is asked for, and theirs is believed', async t => {
  const device = await gateway(t, 'gateway', core.entry);
  const [ada, bela] = [await device(ADA), await device(BELA)];
  await ada.register();
  await bela.register();
  const made = await ada.startCall(BELA, chromiumOffer(), ADA);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const invited = await bela.waitFor(event => event.type.endsWith('session-invitation'));
  assert.equal(invited.data.originatorAddress, `tel:${ADA}`);
  const answer = { sdp: browserAnswer() };
  const picked = await bela.putStatus(invited.data.mediaSessionId, { status: 'Connected', answer });
  assert.equal(picked.status, 200, JSON.stringify(picked.body));
  await ada.waitStatus(made.body.mediaSessionId, 'Connected');
  await bela.hangUp(invited.data.mediaSessionId);
  await ada.waitStatus(made.body.mediaSessionId, 'Terminated');
});

/** What a registration meets that cannot have a connection. */
async function assertNoWay(device: Device): Promise<void> {
  await device.openChannel();
  const { status, body } = await device.call('POST', SESSIONS, { deviceId: device.deviceId });
  assert.equal(status, 503, JSON.stringify(body));
}

test('Kamailio lets nobody in whose certificate it does not believe', async t => {
  const device = await gateway(t, 'stranger', core.entry);
  await assertNoWay(await device(ADA));
});

test('a Kamailio whose certificate we do not believe hears nothing of us', async t => {
  const stranger = await startTlsCore('stranger');
  t.after(() => stranger.close());
  const device = await gateway(t, 'gateway', stranger.entry);
  await assertNoWay(await device(ADA));
});
