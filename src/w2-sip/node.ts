/** What the parts of the SIP front door share. */
import type { Ids } from '../ep-cscf/ids.ts';
import type { Log } from '../runtime/log.ts';
import type { createTransactionLayer, SipTimers, TransactionLayer, Wire } from '../sip/index.ts';
import type { CorePort } from './ports.ts';

export interface DoorNode {
  core: CorePort;
  ids: Pick<Ids, 'ref' | 'uuid'>;
  timers: SipTimers;
  /** ms since the epoch. */
  now(): number;
  /** So many random bytes as lower-case hex. */
  randomHex(bytes: number): string;
  log: Log;
  graceMs: number;
  /** Host and port as clients know us; what is written into Via. */
  sentBy(): NonNullable<ReturnType<Wire['sentBy']>>;
  /** What a transaction layer of the door needs but its wire and its user; `counted` is put around it. */
  layerParts(): LayerParts;
  counted(layer: TransactionLayer): TransactionLayer;
}

export type LayerParts = Pick<
  Parameters<typeof createTransactionLayer>[0],
  'timers' | 'now' | 'random' | 'singleVia' | 'limits' | 'count'
>;

/** Our own Contact: what is sent to it comes by the flow whatever it says. */
export function ownContact({ sentBy }: DoorNode): string {
  const { host, port } = sentBy();
  return `<sip:${host}:${port};transport=ws>`;
}
