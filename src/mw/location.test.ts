/** Where a caller is: PIDF-LO written and read, and its way through a SIP message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import type { DeviceId } from '../ep-cscf/ids.ts';
import type { LocationDetails } from '../ep-cscf/words.ts';
import { createRequest, parseMessage, type SipRequest, serialize } from '../sip/index.ts';
import { locatedOf, locationFields, locationIn, locationOut, withLocation } from './location.ts';
import { writePidfLo } from './pidf-lo.ts';
import { readPidfLo } from './pidf-lo-reader.ts';

const NOW = Date.parse('2026-11-22T10:00:05Z');
const DEVICE = '3F2504E0-4F89-41D3-9A0C-0305E82C3301' as DeviceId;
const WHO = { entity: 'pres:+99910020001@home.example', device: `urn:uuid:${DEVICE.toLowerCase()}`, mayPassOn: true };
const CIRCLE: LocationDetails = {
  shape: 'Circle',
  coordinates: { latitude: 40.4168, longitude: -3.7038, radius: 35 },
  confidence: { pdf: 'normal', value: 92 },
  method: 'GPS',
  timestamp: '2026-11-22T10:00:00Z',
};
const ELLIPSOID: LocationDetails = {
  shape: 'Ellipsoid',
  coordinates: {
    latitude: 1.5,
    longitude: 2.25,
    zAxis: -3,
    semiMajorAxis: 7.5,
    semiMinorAxis: 5,
    verticalAxis: 2,
    orientation: 90,
  },
};
const SDP = 'v=0\r\ns=-\r\n';
const CALLER = { number: '+99910020001', home: 'home.example', anonymous: false, emergency: false };

/** An INVITE that has been through our own parser. */
function received(headers: ReadonlyArray<readonly [string, string]>, body: string): SipRequest {
  const result = parseMessage(
    serialize(
      createRequest(
        'INVITE',
        'sip:b@example.com',
        [
          ['Via', 'SIP/2.0/UDP a;branch=z9hG4bK1'],
          ['From', '<sip:a@a>;tag=1'],
          ['To', '<sip:b@b>'],
          ['Call-ID', 'x'],
          ['CSeq', '1 INVITE'],
          ...headers,
        ],
        body,
      ),
    ),
  );
  assert.ok(result.ok && result.message.type === 'request');
  return result.message;
}

function document(place: string, more = ''): string {
  return (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:gml="http://www.opengis.net/gml" ' +
    'xmlns:gs="http://www.opengis.net/pidflo/1.0" xmlns:c="urn:ietf:params:xml:ns:geopriv:conf" entity="pres:x@y"><tuple id="t"><status>' +
    `<gp:geopriv><gp:location-info>${place}</gp:location-info>${more}</gp:geopriv></status></tuple></presence>`
  );
}

test('LOC-01 a circle: srsName, units and the order RFC 5491 and RFC 4479 want', () => {
  const text = writePidfLo(CIRCLE, WHO, NOW) ?? '';
  const order = [
    'entity="pres:+99910020001@home.example"',
    '<dm:device id="d1">',
    '<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>40.4168 -3.7038</gml:pos><gs:radius uom="urn:ogc:def:uom:EPSG::9001">35</gs:radius></gs:Circle>',
    '<con:confidence pdf="normal">92</con:confidence></gp:location-info>',
    '<gbp:retransmission-allowed>true</gbp:retransmission-allowed>',
    '<gbp:retention-expiry>2026-11-23T10:00:00Z</gbp:retention-expiry></gp:usage-rules>',
    '<gp:method>GPS</gp:method></gp:geopriv>',
    `<dm:deviceID>${WHO.device}</dm:deviceID>`,
    '<dm:timestamp>2026-11-22T10:00:00Z</dm:timestamp></dm:device></presence>',
  ].map(piece => text.indexOf(piece));
  assert.ok(!order.includes(-1), String(order));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

test('LOC-01 an ellipsoid has a height, three axes in metres and an orientation in degrees', () => {
  const text = writePidfLo(ELLIPSOID, { ...WHO, mayPassOn: false }, NOW) ?? '';
  assert.ok(
    text.includes(
      '<gs:Ellipsoid srsName="urn:ogc:def:crs:EPSG::4979"><gml:pos>1.5 2.25 -3</gml:pos>' +
        '<gs:semiMajorAxis uom="urn:ogc:def:uom:EPSG::9001">7.5</gs:semiMajorAxis>' +
        '<gs:semiMinorAxis uom="urn:ogc:def:uom:EPSG::9001">5</gs:semiMinorAxis>' +
        '<gs:verticalAxis uom="urn:ogc:def:uom:EPSG::9001">2</gs:verticalAxis>' +
        '<gs:orientation uom="urn:ogc:def:uom:EPSG::9102">90</gs:orientation></gs:Ellipsoid></gp:location-info>',
    ),
  );
  assert.ok(!text.includes('retransmission-allowed') && !text.includes('confidence>') && !text.includes('<gp:method>'));
  assert.ok(text.includes('<dm:timestamp>2026-11-22T10:00:05Z</dm:timestamp>'), 'now, when the client names no time');
});

test('LOC-01 what names no place makes no document; a time to come is now', () => {
  for (const details of [{}, { method: 'GPS' }, { shape: 'Circle', coordinates: { latitude: 1, longitude: 2 } }])
    assert.equal(writePidfLo(details, WHO, NOW), null);
  assert.match(writePidfLo({ ...CIRCLE, timestamp: '2030-01-01T00:00:00Z' }, WHO, NOW) ?? '', /timestamp>2026-11-22T/);
});

test('LOC-01 the method is named by its token, and not named when it is none of them', () => {
  for (const method of ['GPS', 'DBH', 'DBH_HELO', 'Other']) {
    const text = writePidfLo({ ...CIRCLE, method }, WHO, NOW) ?? '';
    assert.equal(/<gp:method>(.*)<\/gp:method>/.exec(text)?.[1], method === 'Other' ? undefined : method);
    assert.equal(readPidfLo(text, NOW)?.['method'], method === 'Other' ? undefined : method);
  }
});

test('LOC-02 uniform is rectangular, there and back', () => {
  const details = { ...CIRCLE, confidence: { pdf: 'uniform', value: 80 } };
  const text = writePidfLo(details, WHO, NOW) ?? '';
  assert.ok(text.includes('<con:confidence pdf="rectangular">80</con:confidence>'));
  assert.deepEqual(readPidfLo(text, NOW)?.['confidence'], { pdf: 'uniform', value: 80 });
});

test('LOC-01 every location a client may give survives the way there and back', () => {
  const size = fc.double({ min: 0, max: 1e6, noNaN: true });
  const place = {
    latitude: fc.double({ min: -90, max: 90, noNaN: true }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  };
  const shapes = fc.oneof(
    fc.record({ shape: fc.constant('Circle'), coordinates: fc.record({ ...place, radius: size }) }),
    fc.record({
      shape: fc.constant('Ellipsoid'),
      coordinates: fc.record({
        ...place,
        zAxis: fc.double({ min: -1e4, max: 1e5, noNaN: true }),
        semiMajorAxis: size,
        semiMinorAxis: size,
        verticalAxis: size,
        orientation: fc.double({ min: 0, max: 360, noNaN: true }),
      }),
    }),
  );
  fc.assert(
    fc.property(shapes, details => {
      const read = readPidfLo(writePidfLo(details, WHO, NOW) ?? '', NOW);
      const { timestamp: _, ...rest } = { ...read };
      // Minus nought and nought are one place.
      assert.deepEqual(JSON.parse(JSON.stringify(rest)), JSON.parse(JSON.stringify(details)));
    }),
    { numRuns: 300 },
  );
});

test('LOC-03 LOC-04 the field names the part, the description comes first, and only an emergency call is routed by it', () => {
  for (const emergency of [true, false]) {
    const located = locatedOf({ details: CIRCLE, deviceId: DEVICE }, { ...CALLER, emergency }, () => 'never');
    assert.equal(located.device, WHO.device);
    const sent = locationOut(CIRCLE, located, 'abc123', 'gw1.example.com', NOW);
    assert.ok(sent);
    const body = withLocation(SDP, sent);
    const fields = new Map(locationFields(sent));
    assert.equal(fields.get('Geolocation'), '<cid:abc123@gw1.example.com>');
    assert.equal(fields.get('Geolocation-Routing'), emergency ? 'yes' : 'no');
    assert.match(body.contentType, /^multipart\/mixed;boundary=/);
    const parts = body.content.split(`--${body.contentType.split('=')[1]}`);
    assert.equal(parts[1], `\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n`);
    assert.ok(parts[2]?.includes('Content-ID: <abc123@gw1.example.com>\r\nContent-Disposition: by-reference;'));
    assert.equal(parts[3], '--\r\n');
    const request = received([...fields, ['Content-Type', body.contentType]], body.content);
    assert.deepEqual(locationIn(request, NOW), { ...CIRCLE, timestamp: '2026-11-22T10:00:00.000Z' });
  }
});

test('LOC-03 a host with characters a Content-ID has not is written without them', () => {
  assert.equal(locationOut(CIRCLE, WHO, 'a', '[2001:db8::1]', NOW)?.cid, 'a@-2001-db8--1-');
});

test('the document of an anonymous caller names nobody', () => {
  let made = 0;
  const uuid = () => `uuid-${++made}`;
  const located = locatedOf({ details: CIRCLE, deviceId: DEVICE }, { ...CALLER, anonymous: true }, uuid);
  const text = writePidfLo(CIRCLE, located, NOW) ?? '';
  assert.ok(!text.includes('99910020001') && !text.toLowerCase().includes(DEVICE.toLowerCase()));
  assert.notEqual(located.entity.slice(5, 11), located.device.slice(9, 15));
});

test('LOC-06 a location elsewhere is not followed, and one in the body only when it is named', () => {
  const body = `--b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <x%y@a>\r\n\r\n${writePidfLo(CIRCLE, WHO, NOW)}\r\n--b--`;
  const located = (geolocation: string) =>
    locationIn(
      received(
        [
          ['Content-Type', 'multipart/mixed;boundary=b'],
          ['Geolocation', geolocation],
        ],
        body,
      ),
      NOW,
    );
  assert.equal(located('<https://lis.example/1>, <sip:lis@example.com>'), null);
  assert.equal(located('<cid:other@a>'), null);
  assert.equal(located('<https://lis.example/1>, <cid:x%25y@a>;inserted-by=edge')?.['shape'], 'Circle');
  assert.equal(locationIn(received([['Content-Type', 'multipart/mixed;boundary=b']], body), NOW), null);
});

test('LOC-06 entities, document types, broken and huge documents are no location', () => {
  const good = document(
    '<gs:Circle srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>1 2</gml:pos><gs:radius uom="urn:ogc:def:uom:EPSG::9001">3</gs:radius></gs:Circle>',
  );
  assert.equal(readPidfLo(good, NOW)?.['shape'], 'Circle');
  for (const bad of [
    `<!DOCTYPE presence [<!ENTITY e "1">]>${good}`,
    good.replace('1 2', '&e; 2'),
    good.slice(0, -5),
    good.replace('1 2', '91 2'),
    good.replace('9001', '9002'),
    good.replace('EPSG::4326', 'EPSG::3857'),
    good + ' '.repeat(16 * 1024),
    document('<x/>'.repeat(600)),
    '',
    'no xml',
  ])
    assert.equal(readPidfLo(bad, NOW), null, bad.slice(0, 60));
});

test('other shapes become the circle around them; what cannot be said is left out', () => {
  const metres = 'uom="urn:ogc:def:uom:EPSG::9001"';
  const flat = 'srsName="urn:ogc:def:crs:EPSG::4326"';
  const at = { latitude: 1, longitude: 2 };
  const read = (place: string, more = '') => readPidfLo(document(place, more), NOW);
  assert.deepEqual(read(`<gml:Point ${flat}><gml:pos>1 2</gml:pos></gml:Point>`), {
    shape: 'Circle',
    coordinates: { ...at, radius: 0 },
  });
  assert.deepEqual(
    read(
      `<gs:Ellipse ${flat}><gml:pos>1 2</gml:pos><gs:semiMajorAxis ${metres}>9</gs:semiMajorAxis><gs:semiMinorAxis ${metres}>4</gs:semiMinorAxis></gs:Ellipse>`,
    ),
    { shape: 'Circle', coordinates: { ...at, radius: 9 } },
  );
  const sphere = `<gs:Sphere srsName="urn:ogc:def:crs:EPSG::4979"><gml:pos>1 2 3</gml:pos><gs:radius ${metres}>6</gs:radius></gs:Sphere>`;
  assert.deepEqual(read(`${sphere}<c:confidence pdf="unknown">50</c:confidence>`, '<gp:method>Wiremap</gp:method>'), {
    shape: 'Circle',
    coordinates: { ...at, radius: 6 },
    method: 'Other',
    confidence: { value: 50 },
  });
  assert.equal(read('<gml:Polygon/>'), null);
  const kept =
    '<gp:usage-rules xmlns:b="urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"><b:retention-expiry>2020-01-01T00:00:00Z</b:retention-expiry></gp:usage-rules>';
  assert.equal(read(sphere, kept), null, 'past its retention');
});
