/** Which addresses belong to the core. IMS digest 4.2. */
import ipaddr from 'ipaddr.js';

/** A test for addresses within these addresses and CIDR prefixes. Throws with one sentence for one that cannot be read. */
export function trustOf(peers: readonly string[]): (address: string) => boolean {
  const prefixes = peers.map(parsePrefix);
  return address => {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return prefixes.some(([prefix, bits]) => prefix.kind() === parsed.kind() && parsed.match(prefix, bits));
  };
}

function parsePrefix(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new Error(`The trusted SIP peer "${text}" is neither an address nor a CIDR prefix.`);
  }
}
