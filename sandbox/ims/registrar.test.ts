/** The registrar over real sockets: SIM phones by digest, the gateway by trust. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SipResponse } from '../../src/sip/index.ts';
import { type Ims, startIms } from './ims.ts';
import { DOMAIN, openPhone, type Phone } from './test-phone.ts';

const HOST = '127.31.7.1';
const GATEWAY = '127.31.7.2';
const NUMBERS = ['+15550100001', '+15550100002', '+15550100003', '+15550100004', '+15550100005'] as const;

let ims: Ims;
const open: Phone[] = [];

before(async () => {
  const subscribers = NUMBERS.map(number => ({ number, phonePassword: `pw-phone-${number.slice(1)}` }));
  ims = await startIms({ host: HOST, port: 0, domain: DOMAIN, subscribers, trustedNodes: [GATEWAY] });
});

after(async () => {
  for (const phone of open) await phone.close();
  await ims.close();
});

async function phoneOf(number: string, host = HOST): Promise<Phone> {
  const phone = await openPhone({ ims, host, number });
  open.push(phone);
  return phone;
}

const trust = (number: string): [string, string] => [
  'Authorization',
  `Digest username="web-${number.slice(1)}@${DOMAIN}", realm="${DOMAIN}", uri="sip:${DOMAIN}", nonce="", response="", integrity-protected="auth-done"`,
];

test('a phone registers by digest, refreshes, and takes its contact away', async () => {
  const phone = await phoneOf(NUMBERS[0]);
  phone.register();
  const { result } = await phone.next('registered');
  assert.equal(result.expiresS, 600);
  assert.deepEqual(result.serviceRoute, [`<sip:orig@${HOST}:${ims.port};lr>`]);
  assert.deepEqual(result.associated, [`sip:${NUMBERS[0]}@${DOMAIN}`, `tel:${NUMBERS[0]}`]);
  assert.deepEqual(ims.contactsOf(NUMBERS[0]).length, 1);
  phone.register({ expiresS: 700 });
  assert.equal((await phone.next('registered')).result.expiresS, 700);
  assert.equal(ims.contactsOf(NUMBERS[0]).length, 1);
  phone.register({ expiresS: 0 });
  await phone.next('registered');
  assert.deepEqual(ims.contactsOf(NUMBERS[0]), []);
});

test('a wrong password, and the number of another, are refused with 403', async () => {
  const phone = await phoneOf(NUMBERS[1]);
  phone.register({ password: 'wrong' });
  assert.equal((await phone.next('register-failed')).status, 403);
  phone.register({ aor: `<sip:${NUMBERS[2]}@${DOMAIN}>` });
  assert.equal((await phone.next('register-failed')).status, 403);
  assert.deepEqual(ims.contactsOf(NUMBERS[2]), []);
});

test('without credentials two challenges come, MD5 and SHA-256', async () => {
  const phone = await phoneOf(NUMBERS[1]);
  phone.register({ digest: false });
  const { status, response } = await phone.next('register-failed');
  assert.equal(status, 401);
  assert.deepEqual(algorithms(response), ['MD5', 'SHA-256']);
});

const algorithms = (response: SipResponse | null) =>
  response?.headers.all('WWW-Authenticate').map(c => /algorithm=([^,]+)/.exec(c)?.[1]);

test('a phone that asks again instead of answering, or is known to stumble, gets MD5 alone', async () => {
  const phone = await phoneOf(NUMBERS[1]);
  phone.register({ digest: false });
  assert.deepEqual(algorithms((await phone.next('register-failed')).response), ['MD5', 'SHA-256']);
  phone.register({ digest: false });
  assert.deepEqual(algorithms((await phone.next('register-failed')).response), ['MD5']);
  // An answer shows that it understands more than one.
  phone.register();
  await phone.next('registered');
  phone.register({ digest: false });
  assert.deepEqual(algorithms((await phone.next('register-failed')).response), ['MD5', 'SHA-256']);

  const old = await phoneOf(NUMBERS[1]);
  old.register({ digest: false, headers: [['User-Agent', 'baresip v1.0.0 (x86_64/linux)']] });
  assert.deepEqual(algorithms((await old.next('register-failed')).response), ['MD5']);
});

test('a lifetime too short is refused with the smallest one', async () => {
  const phone = await phoneOf(NUMBERS[1]);
  phone.register({ expiresS: 5 });
  // The user agent retries once with Min-Expires, as RFC 3261 10.2.8 asks, or tells of the 423.
  const event = await phone.any();
  if (event.type === 'registered') assert.equal(event.result.expiresS, 60);
  else {
    assert.ok(event.type === 'register-failed');
    assert.equal(event.status, 423);
    assert.equal(event.response?.headers.get('Min-Expires'), '60');
  }
});

test('a trusted node registers by its word, with Path; nobody else can', async () => {
  const gateway = await phoneOf(NUMBERS[3], HOST);
  gateway.register({ digest: false, headers: [trust(NUMBERS[3])] });
  assert.equal((await gateway.next('register-failed')).status, 403);

  const real = await phoneOf(NUMBERS[3], GATEWAY);
  const path = `<sip:token@${GATEWAY}:5060;lr>`;
  const headers: Array<[string, string]> = [
    trust(NUMBERS[3]),
    ['Path', path],
    ['Require', 'path'],
    ['Supported', 'path'],
  ];
  real.register({ digest: false, headers });
  const { result } = await real.next('registered');
  assert.equal(result.response.headers.get('Path'), path);
  assert.equal(ims.contactsOf(NUMBERS[3]).length, 1);
});

test('the identity a trusted node vouches for must fit the number', async () => {
  const gateway = await phoneOf(NUMBERS[4], GATEWAY);
  gateway.register({ digest: false, headers: [trust(NUMBERS[3])] });
  assert.equal((await gateway.next('register-failed')).status, 403);
});

test('several contacts of a number live side by side; "*" takes only those of its own identity', async () => {
  const number = NUMBERS[4];
  const [first, second, gateway] = [await phoneOf(number), await phoneOf(number), await phoneOf(number, GATEWAY)];
  gateway.register({ digest: false, headers: [trust(number)] });
  await gateway.next('registered');
  first.register();
  await first.next('registered');
  second.register();
  const { result } = await second.next('registered');
  assert.equal(result.response.headers.contacts().length, 3);
  const all: Array<[string, string]> = [['Expires', '0'], trust(number)];
  const aor = { to: `<sip:${number}@${DOMAIN}>`, contact: '*' };
  assert.equal((await gateway.send('REGISTER', `sip:${DOMAIN}`, [trust(number)], aor)).status, 400);
  assert.equal((await gateway.send('REGISTER', `sip:${DOMAIN}`, all, aor)).status, 200);
  assert.deepEqual(ims.contactsOf(number), [first.contact.slice(1, -1), second.contact.slice(1, -1)]);
});

test('a contact that leads back to the IMS is refused, and an unknown extension too', async () => {
  const phone = await phoneOf(NUMBERS[1]);
  phone.register({ contact: `<sip:${NUMBERS[0]}@${HOST}:${ims.port}>` });
  assert.equal((await phone.next('register-failed')).status, 400);
  phone.register({ headers: [['Require', 'path, teleport']] });
  const { status, response } = await phone.next('register-failed');
  assert.equal(status, 420);
  assert.equal(response?.headers.get('Unsupported'), 'teleport');
});
