/** The live transactions, and what each needs beside its machine: its user, its target, its timers, its last packet. */
import type { SipMessage } from '../message/message.ts';
import type { InviteClient } from './invite-client.ts';
import type { InviteServer } from './invite-server.ts';
import type { NonInviteClient } from './non-invite-client.ts';
import type { NonInviteServer } from './non-invite-server.ts';
import type { Sent, SentBy } from './port.ts';
import type { ClientTransactionUser, Target, TimerName, TransactionKey } from './types.ts';

/** One named timer: made at its first start, so that a repeated message costs no closure and no new key. */
export interface Slot {
  readonly name: TimerName;
  readonly key: string;
  readonly fire: () => void;
  running: boolean;
}

interface Common {
  readonly id: string;
  readonly slots: Slot[];
  target: Target;
  /** The last message sent and its bytes: a copy is sent from these. */
  message: SipMessage | null;
  packet: Uint8Array | null;
  /** The message that has left already: sending it again is a retransmission. */
  left: SipMessage | null;
  /** Hears how each packet went. */
  sent: Sent | null;
}

export interface ClientEntry extends Common {
  readonly side: 'client';
  state: InviteClient | NonInviteClient;
  user: ClientTransactionUser;
  readonly branch: string;
  sentBy: SentBy;
  /** Where to go should the TCP connection taken for a large request be refused. RFC 3261 18.1.1. */
  fallback: Target | null;
  /** Fields of a CANCEL that waits for a provisional response; null when none does. */
  cancel: ReadonlyArray<readonly [string, string]> | null;
  /** A CANCEL was asked for. */
  cancelled: boolean;
}

export interface ServerEntry extends Common {
  readonly side: 'server';
  readonly state: InviteServer | NonInviteServer;
  readonly source: Target;
}

export type Entry = ClientEntry | ServerEntry;

export interface Table {
  readonly clients: Map<TransactionKey, ClientEntry>;
  readonly servers: Map<TransactionKey, ServerEntry>;
}

export function createTable(): Table {
  return { clients: new Map(), servers: new Map() };
}

/** Forgets a transaction, unless its key already belongs to a newer one. */
export function removeEntry(table: Table, entry: Entry): void {
  const { key } = entry.state;
  if (entry.side === 'client') {
    if (table.clients.get(key) === entry) table.clients.delete(key);
  } else if (table.servers.get(key) === entry) table.servers.delete(key);
}
