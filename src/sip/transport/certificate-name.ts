/** Which SIP domains a certificate speaks for. RFC 5922 7.1, 7.2. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** The domains of a certificate, lower case: its SIP URIs, else its DNS names, else the common name. No wildcard is one. */
export function domainsOf(certificate: X509Certificate): string[] {
  const names = alternatives(certificate);
  const uris = names.flatMap(({ type, value }) => {
    // A URI with a user part speaks for that user, not for the domain.
    const domain = type === 'URI' ? /^sips?:([^@;?:/]+)$/i.exec(value)?.[1] : undefined;
    return domain === undefined ? [] : [domain];
  });
  const dns = names.flatMap(({ type, value }) => (type === 'DNS' ? [value] : []));
  const named = names.some(({ type }) => type === 'URI' || type === 'DNS');
  const found = uris.length > 0 ? uris : named ? dns : commonName(certificate);
  return found.filter(name => !name.includes('*')).map(name => name.toLowerCase());
}

/** True when the certificate speaks for this domain or, when it is an address, names it. */
export function carries(certificate: X509Certificate, domain: string): boolean {
  if (isIP(domain) !== 0) return certificate.checkIP(domain) !== undefined;
  return domainsOf(certificate).includes(domain.toLowerCase());
}

function alternatives({ subjectAltName }: X509Certificate): Array<{ type: string; value: string }> {
  return (subjectAltName ?? '').split(', ').flatMap(entry => {
    const colon = entry.indexOf(':');
    const value = entry.slice(colon + 1);
    // A quoted value holds characters that no domain has.
    return colon < 0 || value.startsWith('"') ? [] : [{ type: entry.slice(0, colon), value }];
  });
}

/** Only for a certificate that has no name of either kind. RFC 5922 7.1. */
function commonName({ subject }: X509Certificate): string[] {
  const name = /(?:^|\n)CN=([^\n]+)$/m.exec(subject)?.[1];
  return name === undefined ? [] : [name];
}
