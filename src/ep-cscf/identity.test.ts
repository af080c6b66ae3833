/** Own addresses, emergency numbers, ownership, jitter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerNumber, isAssociated, isEmergency, isOwnAddress, mayCall, maySee, spreadOf } from './identity.ts';
import type { E164 } from './ids.ts';
import type { Principal } from './words.ts';

const NUMBER = '+99910020001' as E164;
const HOME = 'ims.example.com';

test('only the registered number is the own address', () => {
  assert.ok(isOwnAddress('tel:+99910020001', NUMBER, HOME));
  assert.ok(isOwnAddress('sip:+99910020001@IMS.example.com', NUMBER, HOME));
  assert.ok(!isOwnAddress('sip:+99910020001@other.example.com', NUMBER, HOME));
  assert.ok(!isOwnAddress('tel:+99910020002', NUMBER, HOME));
  assert.ok(!isOwnAddress('sip:alice@ims.example.com', NUMBER, HOME));
  assert.ok(!isOwnAddress('sip:+99910020001@ims.example.com', NUMBER, null));
});

test('ORG-23 SIP addresses may be shut out, telephone numbers in any form of the home domain never are', () => {
  const may = (receiver: string) =>
    (['any', 'home', 'none'] as const).filter(allowed => mayCall(receiver, allowed, HOME));
  assert.deepEqual(may('tel:+99910020002'), ['any', 'home', 'none']);
  assert.deepEqual(may('tel:112;phone-context=elsewhere.example'), ['any', 'home', 'none']);
  assert.deepEqual(may(`sip:+99910020002@${HOME.toUpperCase()}`), ['any', 'home', 'none']);
  assert.deepEqual(may(`sip:100;phone-context=x.example@${HOME};user=phone`), ['any', 'home', 'none']);
  assert.deepEqual(may(`sip:bob@${HOME}`), ['any', 'home']);
  assert.deepEqual(may('sip:bob@elsewhere.example'), ['any']);
  assert.deepEqual(may('sip:+99910020002@elsewhere.example'), ['any']);
  assert.equal(mayCall(`sip:bob@${HOME}`, 'home', null), false);
});

test('REG-09 a set limits who calls and is called; its first number is the default one', () => {
  const [own, other] = [`sip:${NUMBER}@${HOME}`, 'tel:+99910020005'];
  assert.ok(isAssociated(`tel:${NUMBER}`, [other, own]), 'by number, whatever the form');
  assert.ok(!isAssociated(`tel:${NUMBER}`, [other, `sip:alice@${HOME}`]));
  assert.ok(isAssociated(`tel:${NUMBER}`, []), 'no set, no limit');
  assert.ok(isAssociated(`tel:${NUMBER}`, [`sip:alice@${HOME}`]), 'a set without numbers says nothing of numbers');
  assert.ok(isAssociated('sip:alice@IMS.example.com', [own, `sip:alice@${HOME}`]));
  assert.ok(!isAssociated(`sip:bob@${HOME}`, [own, `sip:alice@${HOME}`]));
  assert.equal(callerNumber(NUMBER, [other, own]), NUMBER);
  assert.equal(callerNumber(NUMBER, [`sip:alice@${HOME}`, other]), '+99910020005');
  assert.equal(callerNumber(NUMBER, [`sip:alice@${HOME}`]), NUMBER);
});

test('emergency by URN and by listed digits in any dialled form', () => {
  const settings = { enabled: false, numbers: ['112'] };
  for (const address of [
    'urn:service:sos',
    'urn:service:sos.fire',
    'tel:112;phone-context=ims.example.com',
    'sip:112@ims.example.com',
    'sip:%31%312@ims.example.com',
  ])
    assert.ok(isEmergency(address, settings), address);
  for (const address of [
    'tel:+11200',
    'tel:113;phone-context=ims.example.com',
    'sip:alice@ims.example.com',
    'sip:%3112%@ims.example.com',
    'rubbish',
  ])
    assert.ok(!isEmergency(address, settings), address);
});

test('a resource is seen by its own client, user and number alone', () => {
  const who: Principal = { clientId: 'a', subject: 's', number: NUMBER, legs: 3 };
  const holder = { clientId: 'a', subject: 's', number: NUMBER, legs: 3 as const };
  assert.ok(maySee(who, holder));
  assert.ok(!maySee({ ...who, clientId: 'b' }, holder));
  assert.ok(!maySee({ ...who, subject: 't' }, holder));
  assert.ok(!maySee({ ...who, number: '+99910020002' as E164 }, holder));
  assert.ok(!maySee({ clientId: 'a', subject: null, number: null, legs: 2 }, holder));
  assert.ok(maySee({ clientId: 'a', subject: null, number: null, legs: 2 }, { ...holder, subject: null, legs: 2 }));
});

test('jitter is stable, in range and spread', () => {
  const values = Array.from({ length: 1000 }, (_, i) => spreadOf(`b${i} 1`));
  assert.ok(values.every(v => v >= 0 && v < 1));
  assert.equal(spreadOf('x 1'), spreadOf('x 1'));
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const share = values.filter(v => Math.floor(v * 10) === tenth).length;
    assert.ok(share > 60 && share < 140, `${share} of 1000 in one tenth`);
  }
});
