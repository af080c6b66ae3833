/** The envelope, the data, and addresses in the event's narrow form. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registrationEnds, session } from '../../test/support/event-rig.ts';
import { EVENTS_API } from '../ep-cscf/event-word.ts';
import { cloudEvent, narrowAddress, type Told } from './cloud-event.ts';

const make = (told: Told, api = EVENTS_API) =>
  JSON.parse(cloudEvent(told, { id: 'sub', api }, 'id', 'https://gw.example', Date.UTC(2030, 0, 2, 3, 4, 5, 6)));

describe('8.4 a CloudEvent', () => {
  it('has the envelope of the API and nothing else', () => {
    const { data, ...envelope } = make(
      session('m1', 1, { offer: 'v=0', originatorName: 'Bob', location: { shape: 'Point' } }),
    );
    assert.deepEqual(envelope, {
      id: 'id',
      source: 'https://gw.example',
      specversion: '1.0',
      type: 'org.camaraproject.webrtc-events-subscriptions.v0.session-invitation',
      time: '2030-01-02T03:04:05.006Z',
      datacontenttype: 'application/json',
    });
    assert.deepEqual(data, {
      subscriptionId: 'sub',
      mediaSessionId: 'm1',
      originatorAddress: 'tel:+15550100002',
      originatorName: 'Bob',
      receiverAddress: 'tel:+15550100001',
      status: 'Initial',
      offer: { sdp: 'v=0' },
      sequenceNumber: 1,
      locationDetails: { shape: 'Point' },
    });
  });

  it('bears the name of the API it was subscribed with', () => {
    const { type } = make(registrationEnds('r1'), 'webrtc-events');
    assert.equal(type, 'org.camaraproject.webrtc-events.v0.registration-ends');
  });

  it('carries an answer in a status and never in an invitation', () => {
    assert.deepEqual(make(session('m1', 2, { answer: 'v=0' })).data.answer, { sdp: 'v=0' });
    assert.equal('answer' in make(session('m1', 1, { answer: 'v=0' })).data, false);
  });

  it('tells the end of a registration without a subscriptionId, that of a subscription with it', () => {
    assert.deepEqual(make(registrationEnds('r1')).data, {
      registrationId: 'r1',
      terminationReason: 'REGISTRATION_EXPIRED',
    });
    const ended = {
      kind: 'subscription-ended',
      terminationReason: 'SUBSCRIPTION_EXPIRED',
      terminationDescription: 'x',
    } as const;
    assert.deepEqual(make(ended).data, {
      subscriptionId: 'sub',
      terminationReason: 'SUBSCRIPTION_EXPIRED',
      terminationDescription: 'x',
    });
  });

  it('cuts texts to their limits, between characters, and leaves out an SDP that is too long', () => {
    const { data } = make(
      session('m1', 2, {
        originatorName: `${'x'.repeat(255)}😀`,
        reason: 'r'.repeat(3000),
        receiverName: '',
        offer: 'v'.repeat(65_537),
      }),
    );
    assert.equal(data.originatorName, 'x'.repeat(255));
    assert.equal(data.reason.length, 2048);
    assert.equal('receiverName' in data, false);
    assert.equal('offer' in data, false);
  });

  it('A-31 8.4 narrows addresses to what a strict consumer takes', () => {
    const table: Array<[address: string, narrow: string | null]> = [
      ['tel:+15550100001', 'tel:+15550100001'],
      ['sip:alice_1.x+tag@ims.example.com', 'sip:alice_1.x+tag@ims.example.com'],
      ['sip:anonymous@anonymous.invalid', 'sip:anonymous@anonymous.invalid'],
      ['sip:+15550100001@ims.example.com;user=phone', 'tel:+15550100001'],
      ['sip:+15550100001@ims.example.com;x=y;user=phone', 'tel:+15550100001'],
      ['sip:+1555@ims.example.com;user=phone', null],
      ['sip:1004;phone-context=ims.example.com@ims.example.com;user=phone', null],
      ['tel:1004;phone-context=ims.example.com', null],
      ['urn:service:sos', null],
      ['tel:+15550100001\n', null],
      [`sip:${'a'.repeat(250)}@x.com`, null],
      ['x'.repeat(100_000), null],
    ];
    for (const [address, narrow] of table) assert.equal(narrowAddress(address), narrow, address.slice(0, 60));
    const odd = { originatorAddress: 'urn:service:sos', receiverAddress: 'tel:1;phone-context=x.y' };
    assert.equal(make(session('m1', 1, odd)).data.originatorAddress, 'sip:unavailable@unknown.invalid');
    const { data } = make(session('m1', 2, odd));
    assert.equal('originatorAddress' in data || 'receiverAddress' in data, false);
  });
});
