/** `host` or `host:port` as settings write it. */

/** The host an address (IPv6 in brackets, given back without) or a name; the port 1 to 65535, null when left out. Null for anything else. */
export function parseHostPort(text: string): { host: string; port: number | null } | null {
  const found = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(text);
  const port = found?.[2] === undefined ? null : Number(found[2]);
  if (found?.[1] === undefined || port === 0 || (port ?? 0) > 65_535) return null;
  return { host: found[1].replace(/^\[|\]$/g, ''), port };
}
