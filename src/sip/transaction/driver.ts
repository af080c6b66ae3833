/** Runs one machine step and carries its effects out: packets, timers, the user's ears. */
import type { SipMessage, SipRequest } from '../message/message.ts';
import { serialize } from '../message/serialize.ts';
import { handleInviteClient } from './invite-client.ts';
import { handleInviteServer } from './invite-server.ts';
import { type ClientInput, never, type Out, type ServerInput } from './machine.ts';
import { handleNonInviteClient } from './non-invite-client.ts';
import { handleNonInviteServer } from './non-invite-server.ts';
import type { TransactionLayerOptions } from './port.ts';
import { type ClientEntry, type Entry, removeEntry, type ServerEntry, type Slot, type Table } from './table.ts';
import type { Target, TimerName, TransactionEffect } from './types.ts';

const TRANSPORT_ERROR = { type: 'transport-error' } as const;

/** What the layer does with the three effects that are not the driver's. */
export interface DriverHooks {
  /** A packet of this client could not be sent: true when another way was found. */
  onClientUnsent(entry: ClientEntry): boolean;
  onRequest(entry: ServerEntry, request: SipRequest): void;
}

export interface Driver {
  runClient(entry: ClientEntry, input: ClientInput): void;
  runServer(entry: ServerEntry, input: ServerInput): void;
  /** Where the ACK being handled came from. */
  ackSource: Target | null;
  stopTimers(entry: Entry): void;
  /** Makes the entry hear when a packet of its could not be sent. */
  listen(entry: Entry): void;
  /** A packet of this transaction could not be sent. */
  unsent(entry: Entry): void;
  /** Stops every timer and forgets every transaction; nobody is told anything any more. */
  close(): void;
  /** The same, told after the current call of the user. */
  unsentLater(entry: Entry): void;
}

/** The driver of one layer. */
export function createDriver(options: TransactionLayerOptions, table: Table, hooks: DriverHooks): Driver {
  const { wire, timers, now, user } = options;
  const prefix = options.random();
  // One array for all: a step called from inside another's effects works behind that one's part and cuts back to it.
  const out: Out = [];
  let depth = 0;
  let closed = false;

  function runClient(entry: ClientEntry, input: ClientInput): void {
    const from = out.length;
    depth += 1;
    try {
      const { state } = entry;
      if (state.type === 'invite-client') handleInviteClient(state, input, now(), out);
      else handleNonInviteClient(state, input, now(), out);
      perform(entry, from);
    } finally {
      depth -= 1;
      out.length = from;
    }
  }

  function runServer(entry: ServerEntry, input: ServerInput): void {
    const from = out.length;
    depth += 1;
    try {
      const { state } = entry;
      if (state.type === 'invite-server') handleInviteServer(state, input, now(), out);
      else handleNonInviteServer(state, input, now(), out);
      perform(entry, from);
    } finally {
      depth -= 1;
      out.length = from;
    }
  }

  function perform(entry: Entry, from: number): void {
    const end = out.length;
    for (let i = from; i < end; i += 1) {
      const effect = out[i];
      if (effect) carryOut(entry, effect);
    }
  }

  function carryOut(entry: Entry, effect: TransactionEffect): void {
    switch (effect.type) {
      case 'send':
        send(entry, effect.message);
        return;
      case 'start-timer':
        startTimer(entry, effect.name, effect.ms);
        return;
      case 'stop-timer':
        stopTimer(entry, effect.name);
        return;
      case 'response':
        if (entry.side === 'client') entry.user.onResponse(effect.response);
        return;
      case 'request':
        if (entry.side === 'server') hooks.onRequest(entry, effect.request);
        return;
      case 'ack':
        user.onAck(effect.request, driver.ackSource ?? entry.target);
        return;
      case 'failed':
        if (entry.side === 'client') entry.user.onFailure(effect.cause);
        else user.onServerFailure(effect.key, effect.cause);
        return;
      case 'terminated':
        removeEntry(table, entry);
        return;
      default:
        never(effect);
    }
  }

  function send(entry: Entry, message: SipMessage): void {
    if (entry.message !== message || entry.packet === null) {
      entry.packet = serialize(message);
      entry.message = message;
    }
    if (entry.left === message) options.count?.('sip_messages_sent_again', { method: methodOf(message) }, 1);
    else entry.left = message;
    wire.send(entry.packet, entry.target, entry.sent);
  }

  function startTimer(entry: Entry, name: TimerName, ms: number): void {
    const slot = slotOf(entry, name) ?? addSlot(entry, name);
    slot.running = true;
    timers.start(slot.key, ms, slot.fire);
  }

  function addSlot(entry: Entry, name: TimerName): Slot {
    const input = { type: 'timer', name } as const;
    const slot: Slot = {
      name,
      key: `${prefix}.${entry.id}${name}`,
      running: false,
      fire: () => {
        slot.running = false;
        if (entry.side === 'server') {
          runServer(entry, input);
          return;
        }
        if (name === 'A' || name === 'E') wire.probe?.(entry.target);
        runClient(entry, input);
      },
    };
    entry.slots.push(slot);
    return slot;
  }

  function stopTimer(entry: Entry, name: TimerName): void {
    const slot = slotOf(entry, name);
    if (!slot?.running) return;
    timers.stop(slot.key);
    // Most transactions end by one timer and have stopped the others long before.
    entry.slots.splice(entry.slots.indexOf(slot), 1);
  }

  function stopTimers(entry: Entry): void {
    for (const slot of entry.slots) {
      if (slot.running) timers.stop(slot.key);
      slot.running = false;
    }
  }

  function unsent(entry: Entry): void {
    if (closed) return;
    // Told from inside a call of the user: it must not hear of it before that call is over.
    if (depth > 0) unsentLater(entry);
    else if (entry.side === 'server') runServer(entry, TRANSPORT_ERROR);
    else if (!hooks.onClientUnsent(entry)) runClient(entry, TRANSPORT_ERROR);
  }

  function unsentLater(entry: Entry): void {
    timers.start(`${prefix}.${entry.id}!`, 0, () => unsent(entry));
  }

  const driver: Driver = {
    runClient,
    runServer,
    ackSource: null,
    stopTimers,
    unsent,
    unsentLater,
    close() {
      closed = true;
      for (const entry of table.clients.values()) stopTimers(entry);
      for (const entry of table.servers.values()) stopTimers(entry);
      table.clients.clear();
      table.servers.clear();
    },
    listen(entry) {
      entry.sent = error => {
        if (error) unsent(entry);
      };
    },
  };
  return driver;
}

function methodOf(message: SipMessage): string {
  return message.type === 'request' ? message.method : (message.headers.cseq()?.method ?? '');
}

function slotOf(entry: Entry, name: TimerName): Slot | undefined {
  for (const slot of entry.slots) if (slot.name === name) return slot;
  return undefined;
}
