/** What settings need of the host they are for: files that hold what they should, and somebody whose tokens count. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { type Settings, SettingsError } from './settings.ts';

/** Throws SettingsError with one sentence that names the setting and the file. */
export function checkInstallation({ auth, sip, tls, web }: Pick<Settings, 'auth' | 'sip' | 'tls' | 'web'>): void {
  if (auth.issuers.length === 0 && auth.introspection === 'none') {
    throw unusable('auth.issuers', 'it names no issuer, and without one or auth.introspection nobody gets in');
  }
  checkPair({ name: 'tls.cert', file: tls.cert }, { name: 'tls.key', file: tls.key });
  checkPair({ name: 'sip.tlsCert', file: sip.tlsCert }, { name: 'sip.tlsKey', file: sip.tlsKey });
  if (sip.tlsCa !== '') certificateOf({ name: 'sip.tlsCa', file: sip.tlsCa });
  const page = join(web.pagesDir, 'softphone', 'index.html');
  if (web.enabled && statSync(page, { throwIfNoEntry: false })?.isFile() !== true) {
    throw unusable('web.pagesDir', `there is no page ${page} (npm run build makes the pages)`);
  }
}

interface Named {
  name: string;
  file: string;
}

function checkPair(cert: Named, key: Named): void {
  if (cert.file === '' || key.file === '') return;
  const certificate = certificateOf(cert);
  const privateKey = parsed(key, 'no private key in PEM without a passphrase', pem => createPrivateKey(pem));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unusable(key.name, `the key in ${key.file} does not belong to the certificate in ${cert.file}`);
  }
  try {
    createSecureContext({ cert: readFileSync(cert.file), key: readFileSync(key.file) });
  } catch (error) {
    throw unusable(cert.name, `TLS does not take ${cert.file} with ${key.file}: ${(error as Error).message}`);
  }
}

function certificateOf(cert: Named): X509Certificate {
  return parsed(cert, 'no certificate in PEM', pem => new X509Certificate(pem));
}

function parsed<T>({ name, file }: Named, holds: string, parse: (pem: Buffer) => T): T {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw unusable(name, `the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return parse(content);
  } catch {
    throw unusable(name, `the file ${file} holds ${holds}`);
  }
}

function unusable(name: string, why: string): SettingsError {
  return new SettingsError(`The setting "${name}" cannot be used: ${why}.`);
}
