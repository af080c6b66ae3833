/** SIP parsers side by side: an INVITE as an IMS core sends it, from the bytes of a datagram to the eight fields that routing needs. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createFramer, parseMessage, serialize } from '../src/sip/index.ts';

const PEERS = new URL('peers/', import.meta.url);

const SDP = [
  'v=0',
  'o=- 4711 1 IN IP4 198.51.100.7',
  's=-',
  'c=IN IP4 198.51.100.7',
  't=0 0',
  'm=audio 40100 RTP/AVP 104 8 0 105',
  'b=AS:49',
  'a=rtpmap:104 AMR-WB/16000',
  'a=fmtp:104 mode-change-capability=2;max-red=0',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:105 telephone-event/8000',
  'a=ptime:20',
  'a=maxptime:240',
  'a=sendrecv',
  '',
].join('\r\n');

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

/** About 1,300 bytes, 310 of them SDP. */
export const IMS_INVITE = Buffer.from(
  [
    `INVITE sip:+15550100002@${HOME};user=phone SIP/2.0`,
    'Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK5d0c8e41a7f2;rport',
    'Max-Forwards: 68',
    `Route: <sip:orig@scscf.${HOME}:6060;lr>`,
    `From: <sip:+15550100001@${HOME}>;tag=8c21f09a`,
    `To: <sip:+15550100002@${HOME};user=phone>`,
    'Call-ID: 77b0c2d51f9e4a30b8@198.51.100.20',
    'CSeq: 1 INVITE',
    'Contact: <sip:+15550100001@198.51.100.20:5060;transport=udp>;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"',
    `P-Asserted-Identity: <sip:+15550100001@${HOME}>`,
    'P-Charging-Vector: icid-value=5f1c0a; orig-ioi=home.example',
    'P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=000000000000',
    'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS',
    'Supported: 100rel, timer, precondition',
    'Session-Expires: 1800;refresher=uac',
    'Accept: application/sdp',
    'Content-Type: application/sdp',
    `Content-Length: ${SDP.length}`,
    '',
    SDP,
  ].join('\r\n'),
);

export interface Subject {
  name: string;
  /** Work done once; the result is returned so that it cannot be optimised away. */
  run(): unknown;
}

/** Our parser, our writer, and the parsers of npm's best-known SIP packages, installed into `bench/peers` when missing. */
export async function parserSubjects(): Promise<Subject[]> {
  const parsed = parseMessage(IMS_INVITE);
  if (!parsed.ok || parsed.message.type !== 'request') throw new Error('our own INVITE does not parse');
  const { message } = parsed;
  return [
    { name: 'Lineside: checked, 8 fields', run: ours },
    ...(await peers()),
    { name: 'Lineside: written to bytes', run: () => serialize(message) },
  ];
}

/** What costs our parser and our framer most of all that was found; `test/torture/steps.test.ts` counts the steps of the rest. */
export function hostileSubjects(): Subject[] {
  const head = IMS_INVITE.subarray(0, IMS_INVITE.indexOf('\r\n\r\n') + 2);
  const shapes = { 'bare CR': '\r', 'short broken fields': 'c\r\n', 'fields with bare CR': 'X: y\r\r\n' };
  return Object.entries(shapes).flatMap(([name, piece]) => {
    const bytes = Buffer.concat([head, Buffer.alloc(64_000, piece), Buffer.from('\r\n\r\n')]);
    return [
      { name: `${name}, a datagram`, run: () => parseMessage(bytes) },
      { name: `${name}, a stream`, run: () => createFramer().push(bytes) },
    ];
  });
}

function ours(): unknown {
  const result = parseMessage(IMS_INVITE);
  if (!result.ok || result.message.type !== 'request') return null;
  const { method, uri, headers, body } = result.message;
  return [
    method,
    uri,
    headers.callId(),
    headers.cseq()?.seq,
    headers.via()?.params.get('branch'),
    headers.from()?.params.get('tag'),
    headers.to()?.uri,
    body,
  ];
}

// biome-ignore lint/suspicious/noExplicitAny: the packages of others bring no types, and each has a shape of its own.
type Foreign = any;

async function peers(): Promise<Subject[]> {
  if (!existsSync(new URL('node_modules/sip.js', PEERS))) {
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status } = spawnSync('npm', args, { cwd: fileURLToPath(PEERS), stdio: 'inherit' });
    if (status !== 0) throw new Error('The parsers of others could not be installed into bench/peers.');
  }
  const load = createRequire(new URL('package.json', PEERS));
  const sip: Foreign = load('sip');
  const jssip: Foreign = load('jssip/lib/Parser');
  const drachtio: Foreign = load('drachtio-srf/lib/sip-parser/message');
  const entry = pathToFileURL(fileURLToPath(new URL('node_modules/sip.js/lib/core/messages/parser.js', PEERS)));
  const { Parser }: Foreign = await import(entry.href);
  const quiet = { debug() {}, log() {}, warn() {}, error() {} };
  return [
    {
      name: 'sip',
      run() {
        const { method, uri, headers, content } = sip.parse(IMS_INVITE.toString('latin1'));
        const { cseq, via, from, to } = headers;
        return [method, uri, headers['call-id'], cseq.seq, via[0].params.branch, from.params.tag, to.uri, content];
      },
    },
    {
      name: 'drachtio-srf',
      run() {
        const m = new drachtio(IMS_INVITE.toString('utf8'));
        const [via] = m.getParsedHeader('via');
        const { tag } = m.getParsedHeader('from').params;
        const { seq } = m.getParsedHeader('cseq');
        return [m.method, m.uri, m.get('call-id'), seq, via.params.branch, tag, m.getParsedHeader('to').uri, m.body];
      },
    },
    {
      name: 'JsSIP',
      run() {
        const m = jssip.parseMessage(IMS_INVITE.toString('utf8'), {});
        return [m.method, m.ruri.toString(), m.call_id, m.cseq, m.via_branch, m.from_tag, m.to.uri.toString(), m.body];
      },
    },
    {
      name: 'SIP.js',
      run() {
        const m = Parser.parseMessage(IMS_INVITE.toString('utf8'), quiet);
        return [m.method, m.ruri.toString(), m.callId, m.cseq, m.viaBranch, m.fromTag, m.to.uri.toString(), m.body];
      },
    },
  ];
}
