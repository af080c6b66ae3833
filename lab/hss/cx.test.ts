/** What the HSS says of identities that fit, that do not, and that nobody has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAkaCard } from '../../src/sip/index.ts';
import { createCx, SUCCESS } from './cx.ts';
import { avp, avp3gpp, find, readAvps, textOf, VENDOR_3GPP } from './diameter.ts';
import { canonicalImpu, createBook, simKeysOf } from './subscriber.ts';

const HOME = 'ims.example';
const IMPU = `sip:+15550100001@${HOME}`;
const WEB = `web-15550100001@${HOME}`;
const SERVER = 'sip:127.0.0.1:6060';

function ask() {
  const cx = createCx(createBook(HOME), HOME);
  return (command: number, impu: string, impi: string, more: Buffer[] = []) => {
    const request = readAvps(Buffer.concat([avp(1, impi), avp3gpp(601, impu), ...more]));
    const answer = cx.get(command)?.(request) ?? { result: 0, avps: [] };
    return { result: answer.result, avps: readAvps(Buffer.concat(answer.avps)) };
  };
}

test('a pair of identities must belong together', () => {
  const say = ask();
  assert.equal(say(300, IMPU, WEB).result, 2001);
  assert.equal(say(300, IMPU, `web-15550100002@${HOME}`).result, 5002);
  assert.equal(say(300, `sip:+15559999999@${HOME}`, WEB).result, 5001);
});

test('an assignment names the S-CSCF for calls until it is taken back', () => {
  const say = ask();
  assert.equal(say(302, IMPU, '').result, 5003);
  const assigned = say(301, IMPU, WEB, [avp3gpp(602, SERVER), avp3gpp(614, 1)]);
  assert.match(textOf(assigned.avps, 606, VENDOR_3GPP), /<Identity>tel:\+15550100001</);
  assert.equal(textOf(say(302, 'tel:+1-555-010-0001', '').avps, 602, VENDOR_3GPP), SERVER);
  assert.equal(say(300, IMPU, WEB).result, 2002);
  assert.equal(say(301, IMPU, WEB, [avp3gpp(602, SERVER), avp3gpp(614, 5)]).result, SUCCESS);
  assert.equal(say(302, IMPU, '').result, 5003);
});

test('identities are compared without parameters, ports and separators', () => {
  assert.equal(canonicalImpu('<sip:+15550100001;x=y@IMS.example:5060;user=phone>'), IMPU);
  assert.equal(canonicalImpu('TEL:+1(555)010-0001;phone-context=z'), 'tel:+15550100001');
});

test('a SIM gets vectors it takes, also after it was ahead, and no digest', () => {
  const say = ask();
  const vector = (auth: Buffer[] = []) => {
    const item = avp3gpp(612, [avp3gpp(608, 'Digest-AKAv1-MD5'), ...auth]);
    const { result, avps } = say(303, IMPU, `isim-15550100001@${HOME}`, [item]);
    assert.equal(result, SUCCESS);
    const given = readAvps(find(avps, 612, VENDOR_3GPP)?.data ?? Buffer.alloc(0));
    const octets = (code: number) => find(given, code, VENDOR_3GPP)?.data ?? Buffer.alloc(0);
    return { nonce: octets(609), res: octets(610) };
  };
  const card = createAkaCard(simKeysOf(15_550_100_001), 0x2000n);
  const late = vector();
  const answer = card.answer(late.nonce.toString('base64'));
  assert.ok(answer.type === 'resync');
  const fresh = vector([avp3gpp(610, Buffer.concat([late.nonce.subarray(0, 16), Buffer.from(answer.auts, 'base64')]))]);
  const proof = card.answer(fresh.nonce.toString('base64'));
  assert.ok(proof.type === 'ok');
  assert.deepEqual(Buffer.from(proof.res), fresh.res);
  const digest = avp3gpp(612, [avp3gpp(608, 'SIP Digest')]);
  assert.equal(say(303, IMPU, `isim-15550100001@${HOME}`, [digest]).result, 5006);
});
