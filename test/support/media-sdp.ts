/** SDP as Chromium and Firefox write it in 2026, and as phones and VoLTE terminals do; identities and addresses are made up. */

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (i * 7 + 16).toString(16).padStart(2, '0').toUpperCase()).join(
  ':',
);
export const OTHER_FINGERPRINT = FINGERPRINT.split(':').reverse().join(':');

export interface BrowserSdp {
  ufrag?: string;
  pwd?: string;
  fingerprint?: string;
  setup?: 'actpass' | 'active' | 'passive';
  direction?: string;
  candidates?: string[];
  /** Adds a video and a data m-line. */
  more?: boolean;
  version?: number;
}

const lines = (...parts: Array<string | string[]>) => `${parts.flat().join('\r\n')}\r\n`;

/** An offer of Chromium: everything at media level. */
export function chromiumOffer(o: BrowserSdp = {}): string {
  const transport = [
    `a=ice-ufrag:${o.ufrag ?? 'kW3f'}`,
    `a=ice-pwd:${o.pwd ?? 'q0dL9Jx2pS7vN4hR6tYb1mZk'}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${o.fingerprint ?? FINGERPRINT}`,
    `a=setup:${o.setup ?? 'actpass'}`,
  ];
  const video = [
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97 98',
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    ...transport,
    'a=mid:1',
    'a=sendrecv',
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 nack pli',
    'a=rtpmap:97 rtx/90000',
    'a=fmtp:97 apt=96',
    'a=rtpmap:98 H264/90000',
    'a=ssrc-group:FID 5001 5002',
    'a=ssrc:5001 cname:Jk2mPq',
    'a=ssrc:5002 cname:Jk2mPq',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    ...transport,
    'a=mid:2',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
  ];
  return lines(
    'v=0',
    `o=- 4611732186004423651 ${o.version ?? 2} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${o.more ? '0 1 2' : '0'}`,
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS stream1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    (o.candidates ?? []).map(c => `a=candidate:${c}`),
    transport,
    'a=mid:0',
    'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    `a=${o.direction ?? 'sendrecv'}`,
    'a=msid:stream1 track1',
    'a=rtcp-mux',
    'a=rtcp-rsize',
    'a=rtcp-xr:rcvr-rtt=all',
    'a=rtpmap:111 opus/48000/2',
    'a=rtcp-fb:111 transport-cc',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'a=rtpmap:63 red/48000/2',
    'a=fmtp:63 111/111',
    'a=rtpmap:9 G722/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:13 CN/8000',
    'a=rtpmap:110 telephone-event/48000',
    'a=rtpmap:126 telephone-event/8000',
    'a=ssrc:3377001 cname:Jk2mPq',
    'a=ssrc:3377001 msid:stream1 track1',
    o.more ? video : [],
  );
}

/** An offer of Firefox: fingerprint, direction and ice-options at session level. */
export function firefoxOffer(o: BrowserSdp = {}): string {
  return lines(
    'v=0',
    'o=mozilla...THIS_IS_SDPARTA-99.0 7311220031 0 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=sendrecv',
    `a=fingerprint:sha-256 ${o.fingerprint ?? FINGERPRINT}`,
    'a=group:BUNDLE 0',
    'a=ice-options:trickle',
    'a=msid-semantic:WMS *',
    'm=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101',
    'c=IN IP4 0.0.0.0',
    'a=candidate:0 1 UDP 2122252543 0f6d5dc1-6a2e-4a0f.local 50123 typ host',
    'a=candidate:0 2 UDP 2122252542 0f6d5dc1-6a2e-4a0f.local 50124 typ host',
    'a=candidate:1 1 TCP 2105524479 0f6d5dc1-6a2e-4a0f.local 9 typ host tcptype active',
    'a=end-of-candidates',
    'a=sendrecv',
    'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level',
    'a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid',
    'a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1',
    'a=fmtp:101 0-15',
    `a=ice-pwd:${o.pwd ?? '6f1d2a9be0c34757a8e1b2c3d4e5f607'}`,
    `a=ice-ufrag:${o.ufrag ?? '9ab01c2d'}`,
    'a=mid:0',
    'a=msid:{6d8c7b16} {a41f1c2e}',
    'a=rtcp:50124 IN IP4 0f6d5dc1-6a2e-4a0f.local',
    'a=rtcp-mux',
    'a=rtpmap:109 opus/48000/2',
    'a=rtpmap:9 G722/8000/1',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=setup:${o.setup ?? 'actpass'}`,
    'a=ssrc:2211009 cname:{c2f4f5ab}',
  );
}

/** A browser's answer to an offer of ours: its codecs by payload type; `maps` are rtpmap and fmtp lines in place of that of the event. */
export function browserAnswer(
  o: BrowserSdp & { laws?: number[]; event?: number | null; maps?: string[] } = {},
): string {
  const { laws = [8, 0], event = 101 } = o;
  return lines(
    'v=0',
    'o=- 52219 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${[...laws, ...(event === null ? [] : [event])].join(' ')}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    `a=ice-ufrag:${o.ufrag ?? 'Zx81'}`,
    `a=ice-pwd:${o.pwd ?? 'T7uY6iO5pA4sD3fG2hJ1kL0z'}`,
    `a=fingerprint:sha-256 ${o.fingerprint ?? FINGERPRINT}`,
    `a=setup:${o.setup ?? 'active'}`,
    'a=mid:0',
    `a=${o.direction ?? 'sendrecv'}`,
    'a=msid:stream2 track2',
    'a=rtcp-mux',
    o.maps ?? (event === null ? [] : [`a=rtpmap:${event} telephone-event/8000`]),
    'a=ssrc:909090 cname:Nn3',
  );
}

export interface PhoneSdp {
  address?: string;
  port?: number;
  /** Payload types of the m-line; 8 and 0 need no rtpmap. */
  formats?: number[];
  event?: number | null;
  /** rtpmap, fmtp and other lines in place of those of the event. */
  maps?: string[];
  direction?: string;
  version?: number;
}

/** SDP of a plain SIP phone, as offer or answer. */
export function phoneSdp(o: PhoneSdp = {}): string {
  const { address = '127.0.0.77', port = 49152, formats = [8, 0], event = 101, version = 1 } = o;
  return lines(
    'v=0',
    `o=phone 8800 ${version} IN IP4 ${address}`,
    's=call',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${[...formats, ...(event === null ? [] : [event])].join(' ')}`,
    o.maps ?? (event === null ? [] : [`a=rtpmap:${event} telephone-event/8000`, `a=fmtp:${event} 0-16`]),
    'a=ptime:20',
    `a=${o.direction ?? 'sendrecv'}`,
  );
}

/** A VoLTE terminal's offer: AMR-WB and AMR first, one G.711 law last; `g711` false leaves that out. */
export function volteOffer(g711 = true): string {
  return lines(
    'v=0',
    'o=- 1234 1 IN IP4 127.0.0.77',
    's=-',
    'c=IN IP4 127.0.0.77',
    't=0 0',
    `m=audio 49152 RTP/AVP 104 102 ${g711 ? '8 ' : ''}105 100`,
    'b=AS:80',
    'a=rtpmap:104 AMR-WB/16000/1',
    'a=fmtp:104 mode-change-capability=2;max-red=0',
    'a=rtpmap:102 AMR/8000/1',
    'a=fmtp:102 mode-change-capability=2',
    g711 ? ['a=rtpmap:8 PCMA/8000'] : [],
    'a=rtpmap:105 telephone-event/16000',
    'a=fmtp:105 0-15',
    'a=rtpmap:100 telephone-event/8000',
    'a=fmtp:100 0-15',
    'a=curr:qos local none',
    'a=des:qos mandatory local sendrecv',
    'a=ptime:20',
    'a=maxptime:240',
    'a=sendrecv',
    'm=video 49154 RTP/AVP 99',
    'a=rtpmap:99 H264/90000',
  );
}
