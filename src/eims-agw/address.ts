/** Which media addresses of far ends may be sent to. A far end's SDP must not aim our packets at others, or at our own services. */
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';
import { isZeroAddress, type MediaDesc } from '../sdp/index.ts';
import type { ImsTarget } from './engine.ts';
import type { ImsMedia, MediaHost, MediaSettings } from './settings.ts';

export interface AddressPolicy {
  /** Whether packets may go to this address and port. */
  allows(address: string, port: number): boolean;
}

/** Builds the policy of one realm; throws on a prefix that is not CIDR. */
export function addressPolicy(settings: MediaSettings, ims: ImsMedia = settings.ims): AddressPolicy {
  const allowed = new BlockList();
  for (const prefix of ims.mediaPrefixes) {
    const [network, bits] = prefix.split('/');
    const version = isIP(network ?? '');
    if (network === undefined || version === 0) throw new Error(`${prefix} is not a network in CIDR form`);
    allowed.addSubnet(
      network,
      bits === undefined ? (version === 4 ? 32 : 128) : Number(bits),
      version === 4 ? 'ipv4' : 'ipv6',
    );
  }
  const never = new BlockList();
  never.addSubnet('224.0.0.0', 3, 'ipv4');
  never.addSubnet('0.0.0.0', 8, 'ipv4');
  never.addSubnet('ff00::', 8, 'ipv6');
  const own = new Set(allHosts(settings).flatMap(({ bind, advertise }) => [canonical(bind), canonical(advertise)]));
  const families = new Set(hostsOf(ims).map(({ bind }) => isIP(bind)));
  const { ports } = settings.web;
  return {
    allows(address, port) {
      const version = isIP(address);
      if (version === 0 || !families.has(version) || isMapped(address)) return false;
      const kind = version === 4 ? 'ipv4' : 'ipv6';
      if (never.check(address, kind) || !allowed.check(address, kind)) return false;
      return (
        !own.has(canonical(address)) ||
        !((port >= ports.min && port <= ports.max) || settings.signallingPorts.includes(port))
      );
    },
  };
}

/** The address of one side, or both: one of each family, the preferred first. */
export function hostsOf(side: MediaHost & { other?: MediaHost }): MediaHost[] {
  return side.other === undefined ? [side] : [side, side.other];
}

/** Our addresses towards every realm. */
export function imsHosts({ ims, realms }: MediaSettings): MediaHost[] {
  return [ims, ...Object.values(realms)].flatMap(hostsOf);
}

function allHosts(settings: MediaSettings): MediaHost[] {
  return [...hostsOf(settings.web), ...imsHosts(settings)];
}

/** Where an m-line wants its RTP and RTCP; `hold` for the unspecified address; null when it may not be sent to. RFC 3605. */
export function targetOf(media: MediaDesc, policy: AddressPolicy): ImsTarget | 'hold' | null {
  const { address, port } = media;
  if (address === null || port === 0) return null;
  if (isZeroAddress(address)) return 'hold';
  const rtcpAddress = media.rtcp?.address ?? address;
  const rtcpPort = media.rtcp?.port ?? Math.min(port + 1, 65_535);
  if (!policy.allows(address, port) || !policy.allows(rtcpAddress, rtcpPort)) return null;
  if (isIP(address) !== isIP(rtcpAddress)) return null;
  return { address: canonical(address), port, rtcpAddress: canonical(rtcpAddress), rtcpPort };
}

/** IPv4 in the form of IPv6: no socket of ours reaches it, and a daemon's might, past what is known of the address. RFC 4291 2.5.5.2. */
function isMapped(address: string): boolean {
  return canonical(address).startsWith('::ffff:');
}

/** As the kernel writes it: addresses, ours and those of strangers, are told apart by their text. RFC 5952. */
function canonical(address: string): string {
  return isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}
