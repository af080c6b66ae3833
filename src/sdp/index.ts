/** The only door to `sdp/`. */
export { type Parsed, parseLines, SDP_LIMITS, type SdpLine, type SdpLines, writeLines } from './lines.ts';
export { checkOffer, parseSdp } from './parse.ts';
export { sameSdp } from './same.ts';
export {
  type Bandwidth,
  type Codec,
  type Crypto,
  type Direction,
  directionOf,
  type Fingerprint,
  findCodec,
  firstLive,
  type IceCredentials,
  isZeroAddress,
  type MediaDesc,
  type Origin,
  receives,
  reverse,
  type SessionDesc,
  type Setup,
  sends,
} from './session.ts';
