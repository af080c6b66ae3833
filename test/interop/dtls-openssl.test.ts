/** Our DTLS against OpenSSL over loopback: both roles, suites, groups, profiles, small datagrams, kinds of certificates. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { DtlsOptions, Fingerprint, SrtpKeys, SrtpProfile } from '../../src/eims-agw/relay/dtls/types.ts';
import { alice, makePerson } from '../support/dtls-pair.ts';
import { makeFiles, openUdpEnd, startOpenSsl } from '../support/dtls-udp.ts';

const HOST = '127.0.0.61';
const CIPHERS = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'];
const PROFILES: ReadonlyArray<[string, SrtpProfile, number]> = [
  ['SRTP_AES128_CM_SHA1_80', 'SRTP_AES128_CM_HMAC_SHA1_80', 60],
  ['SRTP_AEAD_AES_128_GCM', 'SRTP_AEAD_AES_128_GCM', 56],
];
const made = makeFiles({
  p256: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  rsa2048: ['-newkey', 'rsa:2048'],
  rsa1024: ['-newkey', 'rsa:1024'],
  rsaLongExponent: ['-newkey', 'rsa:2048', '-pkeyopt', 'rsa_keygen_pubexp:18446744073709551557'],
  ed25519: ['-newkey', 'ed25519'],
});
after(() => made.remove());

function peer(kind: string): { arguments: string[]; fingerprint: Fingerprint } {
  const files = made.files[kind];
  assert.ok(files !== undefined);
  const fingerprint = new X509Certificate(readFileSync(files.certificate)).fingerprint256;
  return {
    arguments: ['-cert', files.certificate, '-key', files.key],
    fingerprint: { hash: 'sha-256', value: fingerprint },
  };
}

/** The exported block as RFC 5764 4.2 orders it, put together from what a client or a server was given. */
function blockOf({ local, remote }: SrtpKeys, role: 'client' | 'server'): string {
  const [client, server] = role === 'client' ? [local, remote] : [remote, local];
  return Buffer.concat([client.key, server.key, client.salt, server.salt]).toString('hex').toUpperCase();
}

interface Variant {
  kind?: string;
  more?: string[];
  profile?: (typeof PROFILES)[number];
  options?: Partial<DtlsOptions>;
}

function commonArguments({ more = [], profile = PROFILES[0], kind = 'p256' }: Variant): string[] {
  const [name, , size] = profile ?? ['', '', 0];
  const exporter = ['-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', String(size)];
  return ['-dtls1_2', ...peer(kind).arguments, '-use_srtp', name, ...exporter, ...more];
}

function optionsOf(role: 'client' | 'server', { kind = 'p256', options = {} }: Variant): DtlsOptions {
  return { role, identity: alice.identity, remoteFingerprints: [peer(kind).fingerprint], ...options };
}

/** OpenSSL is the client: connects, compares keys, and closes (each side once). */
async function serveOpenSsl(variant: Variant, whoCloses: 'we' | 'peer' = 'peer'): Promise<void> {
  const end = await openUdpEnd(HOST, optionsOf('server', variant));
  const openssl = startOpenSsl(['s_client', '-connect', `${HOST}:${end.port}`, ...commonArguments(variant)]);
  try {
    const { profile, keys } = await end.wait('connected');
    assert.equal(profile, (variant.profile ?? PROFILES[0])?.[1]);
    const [, theirs] = await openssl.find(/Keying material: ([0-9A-F]+)/);
    assert.equal(blockOf(keys, 'server'), theirs);
    if (whoCloses === 'we') {
      end.closeDtls();
      await openssl.find(/closed/);
    } else {
      openssl.type('Q');
      assert.equal((await end.wait('closed')).reason, 'remote');
    }
  } finally {
    end.stop();
    await openssl.stop();
  }
}

/** OpenSSL is the server. */
async function callOpenSsl(variant: Variant): Promise<void> {
  const args = ['s_server', '-accept', `${HOST}:0`, '-Verify', '1', ...commonArguments(variant)];
  const openssl = startOpenSsl(args);
  const end = await openUdpEnd(HOST, optionsOf('client', variant));
  try {
    const [, port] = await openssl.find(/ACCEPT [\d.]+:(\d+)/);
    end.connect(Number(port));
    const { profile, keys } = await end.wait('connected');
    assert.equal(profile, (variant.profile ?? PROFILES[0])?.[1]);
    const [, theirs] = await openssl.find(/Keying material: ([0-9A-F]+)/);
    assert.equal(blockOf(keys, 'client'), theirs);
    end.closeDtls();
    assert.equal(end.dtls.state, 'closed');
  } finally {
    end.stop();
    await openssl.stop();
  }
}

test('as server: each suite, group and profile gives the keys that OpenSSL exports', async () => {
  for (const cipher of CIPHERS) {
    for (const groups of ['X25519', 'P-256', 'P-384:P-256:X25519']) {
      // The certificate of the server is on P-256, which OpenSSL wants among its groups.
      const list = groups === 'X25519' ? 'X25519:P-256' : groups;
      for (const profile of PROFILES) {
        await serveOpenSsl({ profile, more: ['-cipher', cipher, '-groups', list] });
      }
    }
  }
});

test('as server: datagrams of 256 bytes both ways', async () => {
  await serveOpenSsl({ more: ['-mtu', '256'], options: { datagramBytes: 256 } });
});

test('as server: clients with P-384 and RSA certificates prove themselves', async () => {
  await serveOpenSsl({ kind: 'p384' });
  await serveOpenSsl({ kind: 'rsa2048' });
  await serveOpenSsl({ kind: 'rsa2048', more: ['-client_sigalgs', 'RSA+SHA256'] });
});

test('as server: close_notify of ours ends OpenSSL', async () => {
  await serveOpenSsl({}, 'we');
});

test('as client: each suite, group and profile gives the keys that OpenSSL exports', async () => {
  for (const cipher of CIPHERS) {
    for (const groups of ['X25519:P-256', 'P-256']) {
      for (const profile of PROFILES) await callOpenSsl({ profile, more: ['-cipher', cipher, '-groups', groups] });
    }
  }
});

test('as client: a server that asks for a cookie', async () => {
  await callOpenSsl({ more: ['-listen'] });
});

test('as client: small datagrams both ways', async () => {
  await callOpenSsl({ more: ['-mtu', '256'], options: { datagramBytes: 256 } });
});

test('who is not the one of the SDP, or has a weak or odd key, gets nothing', async () => {
  const refused = async (variant: Variant, pattern: RegExp): Promise<void> => {
    await assert.rejects(serveOpenSsl(variant), pattern);
  };
  await refused({ options: { remoteFingerprints: [makePerson().fingerprint] } }, /wrong-fingerprint/);
  await refused({ kind: 'rsa1024', more: ['-cipher', `${CIPHERS[0]}:@SECLEVEL=0`] }, /bad-certificate/);
  await refused({ kind: 'rsaLongExponent' }, /bad-certificate/);
  await refused({ kind: 'p521', more: ['-client_sigalgs', 'ECDSA+SHA256'] }, /bad-certificate|no-certificate/);
  await refused({ kind: 'ed25519' }, /no-certificate/);
  await refused({ more: ['-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'] }, /no-agreement/);
  await refused({ more: ['-groups', 'P-384'] }, /no-agreement/);
  await refused({ more: ['-sigalgs', 'RSA+SHA256'] }, /no-agreement/);
});
