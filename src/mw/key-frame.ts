/** Key frames asked for by INFO, as telephones without RTCP feedback do. RFC 5168. */
import { type Body, mediaType, type SipRequest } from '../sip/index.ts';

const TYPE = 'application/media_control+xml';
/** The request has some 200 bytes. */
const MAX_BYTES = 4096;

export const KEY_FRAME_WISH: Body = {
  contentType: TYPE,
  content: [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></media_control>',
    '',
  ].join('\r\n'),
};

/** Whether an INFO asks for a key frame. The element is all its schema knows to ask for: it is looked for as text. RFC 5168 5. */
export function wishesKeyFrame(request: SipRequest): boolean {
  const { body, headers } = request;
  if (body.length > MAX_BYTES || mediaType(headers.get('Content-Type') ?? '') !== TYPE) return false;
  return /<(?:\w{1,32}:)?picture_fast_update[\s/>]/.test(Buffer.from(body).toString('latin1'));
}
