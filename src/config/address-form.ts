/** Forms of addresses in settings. */
import ipaddr from 'ipaddr.js';

/** Addresses that stand for every one of a host. */
export const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** An address, or a network in CIDR form. */
export function isPrefix(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text);
}
