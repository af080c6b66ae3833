/** Settings of the SIP side: where Lineside listens towards the operator's core, and the SIP timers. */
import { area, choices, flag, integer, list, text } from './area.ts';

export const sip = area('SIP towards the core', {
  host: text('Address the SIP sockets are bound to.', '127.0.0.1'),
  port: integer('Port of the SIP sockets, UDP and TCP; 0 lets the system choose.', 5060, 0, 65535),
  transports: choices('Transports to listen on and to speak: udp, tcp, tls.', ['udp', 'tcp'], ['udp', 'tcp', 'tls']),
  tlsPort: integer('Port of the TLS socket; 0 lets the system choose.', 5061, 0, 65535),
  tlsCert: text(
    'PEM file with our certificate chain, shown to peers on both ends of a connection; read again on SIGHUP.',
  ),
  tlsKey: text('PEM file with its private key.'),
  tlsCa: text('PEM file with the authorities whose certificates are believed; empty means those of the system.'),
  tlsMutual: flag('A peer that connects by TLS must show a certificate.', true),
  tlsPeers: list(
    'Domains of the core: a peer whose certificate carries one of them (RFC 5922) is heard from any address.',
  ),
  advertisedHost: text('Host written into Via, Contact and Path; empty means `sip.host`.'),
  trustedPeers: list(
    'Addresses or CIDR prefixes of the core; SIP from anywhere else is ignored, but for `sip.tlsPeers`.',
    ['127.0.0.0/8'],
  ),
  t1Ms: integer('Timer T1, the round-trip estimate.', 500, 10, 10_000),
  t2Ms: integer('Timer T2, the longest interval between retransmissions.', 4000, 10, 60_000),
  t4Ms: integer('Timer T4, how long a message stays in the network.', 5000, 10, 60_000),
  targetPatienceMs: integer(
    'A server that has said nothing for so long is given up when there is another to try; the last one has 64*T1.',
    4000,
    100,
    32_000,
  ),
  optionsMs: integer('Time between two OPTIONS to each server of a first hop; 0 sends none.', 30_000, 0, 3_600_000),
  overloadControl: flag(
    'Offer RFC 7339 to the core: a server that is busy may say what share of new requests to hold back. Emergency calls and requests in a dialog are always sent.',
    true,
  ),
  dnsServers: list('DNS servers asked for names in SIP, address or address:port; empty means the system’s.'),
  maxCalls: integer('Calls at once above which a call in is refused with 503 and Retry-After.', 20_000, 1),
  maxLagMs: integer(
    'When the process was late by so much for half a second of the last two, OPTIONS and other requests outside a dialog are answered 503 with Retry-After; by twice as much, new calls too. Emergency calls never are.',
    200,
    10,
    60_000,
  ),
  maxTransactions: integer('Live transactions above which new requests are answered 503.', 50_000, 10),
  maxConnections: integer('TCP connections kept at once, and as many of TLS.', 2000, 1),
  keepAliveMs: integer(
    'Longest time between two CRLF keep-alives on a connection we have opened; 0 sends none.',
    120_000,
    0,
    3_600_000,
  ),
});
