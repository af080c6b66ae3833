/** Which alternative service a response names, and that only a clean document names any. TS 24.229 7.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRequest, createResponse } from '../sip/index.ts';
import { alternativeServiceOf } from './alternative-service.ts';

const XML = 'application/3gpp-ims+xml';
const TYPE = '<type>emergency</type>';
const document = (inner: string) =>
  `<?xml version="1.0"?>\n<ims-3gpp version="1"><alternative-service>${inner}<reason>call the phone</reason></alternative-service></ims-3gpp>`;

function read(body: string, contentType = XML): string | null {
  const headers: Array<[string, string]> = contentType === '' ? [] : [['Content-Type', contentType]];
  return alternativeServiceOf(
    createResponse(createRequest('INVITE', 'sip:a@b', []), 380, undefined, { headers, body }),
  );
}

test('EMG-03 the service is read from a document alone or beside others, however it is written', () => {
  const beside = `--b\r\nContent-Type: text/plain\r\n\r\nSorry\r\n--b\r\nContent-Type: ${XML}; sv="1,1"\r\n\r\n${document(TYPE)}\r\n--b--`;
  const prefixed =
    '<x:ims-3gpp xmlns:x="urn:x"><x:alternative-service><x:type>emergency</x:type></x:alternative-service></x:ims-3gpp>';
  for (const [body, type] of [
    [document(TYPE), XML],
    [
      document('<type>\n  emergency\n</type><action>emergency-registration</action>'),
      `${XML}; sv="1,1"; charset=utf-8`,
    ],
    [beside, 'multipart/mixed;boundary=b'],
    [prefixed, 'Application/3GPP-IMS+XML'],
  ] as const)
    assert.equal(read(body, type), 'emergency', body);
  assert.equal(read(document('<type>restoration</type>')), 'restoration');
});

test('EMG-03 what only looks like it names nothing: other places, comments, broken, huge and foreign documents', () => {
  for (const [body, type] of [
    [document(`<!-- ${TYPE} -->`), XML],
    [document(`<more>${TYPE}</more>`), XML],
    [`<other>${TYPE}</other>`, XML],
    [document(TYPE).slice(0, -3), XML],
    [`<!DOCTYPE x [<!ENTITY e "emergency">]>${document('<type>&e;</type>')}`, XML],
    [document(`${TYPE}${'<x/>'.repeat(200)}`), XML],
    [`${document(TYPE)}${' '.repeat(17_000)}`, XML],
    [document(TYPE), 'text/xml'],
    [document(TYPE), ''],
    ['', XML],
  ] as const)
    assert.equal(read(body, type), null, body.slice(0, 120));
});
