/** What the HSS says of identities that fit, that do not, and that nobody has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCx, SUCCESS } from './cx.ts';
import { avp, avp3gpp, readAvps, textOf, VENDOR_3GPP } from './diameter.ts';
import { canonicalImpu, createBook } from './subscriber.ts';

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
