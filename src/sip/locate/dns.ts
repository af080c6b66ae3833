/** What locating a server asks of the DNS; given by the caller, so that tests can be the DNS. RFC 3263 4. */

export interface NaptrRecord {
  order: number;
  preference: number;
  flags: string;
  /** Such as `SIP+D2T`. */
  service: string;
  replacement: string;
}

export interface SrvRecord {
  priority: number;
  weight: number;
  port: number;
  /** `.` or empty: the service is decidedly not offered. RFC 2782. */
  name: string;
}

/** Each resolves with nothing when the name has no such record, and rejects when the DNS could not be asked. */
export interface Dns {
  naptr(name: string): Promise<NaptrRecord[]>;
  srv(name: string): Promise<SrvRecord[]>;
  /** Numeric addresses of the families that can be used, and how long they may be kept, in seconds. */
  addresses(name: string): Promise<{ addresses: string[]; ttlS: number }>;
}
