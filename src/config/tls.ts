/** TLS of the API listener. */
import { area, text } from './area.ts';

export const tls = area('TLS of the API listener', {
  cert: text(
    'PEM file with the certificate chain; empty serves plain HTTP (behind a proxy, or in the sandbox). Read again on SIGHUP.',
  ),
  key: text('PEM file with the private key.'),
});
