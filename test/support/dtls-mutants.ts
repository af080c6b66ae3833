/** Mutated DTLS against associations in either role, of any age. */
import assert from 'node:assert/strict';
import type { DtlsEffect, DtlsRole } from '../../src/eims-agw/relay/dtls/types.ts';
import { connectedOf, type End, makePair, type Pair } from './dtls-pair.ts';
import { EDGES, mutants, type Round } from './mutants.ts';
import { seeded } from './sip-world.ts';

/** Handshakes are dear: so many mutants for each that is begun. */
const EACH = 100;
/** Flights of many datagrams, to stop at any of them. */
const DATAGRAM_BYTES = 200;
const MOST_PASSED = 10;

/** A half each at associations that stand and at a server nobody speaks to yet; beside them, within handshakes. */
export const dtls: Round = (seed, count) => {
  const random = seeded(seed);
  const half = Math.ceil(count / 2);
  standing(random, half);
  waiting(random, half);
  let agreed = 0;
  for (let done = 0; done < count; done += EACH) agreed += Number(halfway(random));
  // More than half of them do.
  assert.ok(agreed > 0 || count < 20 * EACH, 'no handshake that met mutants came to an end');
};

/** Datagrams of other handshakes, and of their own. */
function standing(random: () => number, count: number): void {
  const [pair, recorded] = [makePair(), makePair()];
  for (const { run } of [pair, recorded]) run(1_000);
  const seeds = [recorded, pair].flatMap(({ client, server }) => [...client.sent, ...server.sent]);
  for (const bytes of mutants(random, seeds, count, EDGES)) {
    const out = hear(pair[random() < 0.5 ? 'client' : 'server'], bytes, pair.now);
    assert.ok(!out.some(effect => effect.type === 'connected'));
  }
  for (const end of [pair.client, pair.server]) {
    assert.ok(connectedOf(end) !== undefined);
    assert.equal(end.dtls.state, 'connected');
  }
}

function waiting(random: () => number, count: number): void {
  const recorded = makePair();
  recorded.run(1_000);
  const seeds = [...recorded.client.sent, ...recorded.server.sent];
  let quiet = makePair({ fate: () => [] });
  for (const bytes of mutants(random, seeds, count, EDGES)) {
    const out = hear(quiet.server, bytes, quiet.now);
    assert.ok(!out.some(effect => effect.type === 'connected'), 'keys for nobody');
    if (quiet.server.dtls.state !== 'new' && random() < 0.05) quiet = makePair({ fate: () => [] });
  }
}

/** Mutants of what the other end has just sent, to a client or server that waits for it; then both talk on undisturbed. True when both have keys, which are the same. */
function halfway(random: () => number): boolean {
  const role: DtlsRole = random() < 0.5 ? 'client' : 'server';
  const { pair, held } = stopped(role, Math.floor(random() * MOST_PASSED));
  const [end, other] = role === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
  const said: Buffer[] = [];
  for (const bytes of mutants(random, held, EACH, EDGES)) {
    // Among mutants what was meant comes too, so that some handshakes go on.
    for (const datagram of random() < 0.1 ? held : [bytes]) said.push(...answersOf(end, datagram, pair.now));
    if (end.dtls.state !== 'handshake' && end.dtls.state !== 'new') break;
  }
  let [listener, speaker] = [other, end];
  for (let way = said; way.length > 0; [listener, speaker] = [speaker, listener])
    way = way.flatMap(datagram => answersOf(listener, datagram, pair.now));
  const [mine, theirs] = [connectedOf(end), connectedOf(other)];
  if (mine === undefined || theirs === undefined) return false;
  assert.deepEqual([mine.keys.local, mine.keys.remote], [theirs.keys.remote, theirs.keys.local]);
  return true;
}

/** What an end sends when it hears a datagram; what else comes of it is kept. */
function answersOf(end: End, datagram: Buffer, now: number): Buffer[] {
  const said: Buffer[] = [];
  for (const effect of hear(end, datagram, now)) {
    if (effect.type === 'send') said.push(effect.datagram);
    else end.events.push(effect);
  }
  return said;
}

/** A pair of which one end has had so many datagrams, at most; the others are held back. */
function stopped(role: DtlsRole, most: number): { pair: Pair; held: Buffer[] } {
  const held: Buffer[] = [];
  let left = most;
  const small = { datagramBytes: DATAGRAM_BYTES };
  const pair = makePair({
    client: small,
    server: small,
    fate(datagram, from) {
      left -= from === role ? 0 : 1;
      if (from === role || left >= 0) return [{ delayMs: 1, datagram }];
      held.push(datagram);
      return [];
    },
  });
  pair.run(20);
  return held.length > 0 ? { pair, held } : stopped(role, most - 1);
}

function hear(end: End, bytes: Buffer, now: number): DtlsEffect[] {
  const out: DtlsEffect[] = [];
  end.dtls.receive(bytes, now, out);
  assert.ok(out.length <= 12, `${out.length} effects of one datagram`);
  const { inbox, early, transcript, flight } = end.data;
  assert.ok(inbox.heldBytes <= 32_768 && inbox.slots.size <= 8);
  assert.ok(early.length <= 4 && transcript.length <= 12 && flight.length <= 6);
  return out;
}
