/** Hands what the outbox owes to channels into their rings. */
import { isVisit } from '../ep-cscf/words.ts';
import { type ChannelBook, putChannel } from './channel-book.ts';
import type { ChannelCarrier, Outbox } from './outbox.ts';

/** Time of a page to read the end of its visit. */
const LAST_WORDS_MS = 30_000;
/** How many `seq` are reserved in the store at once. */
const RESERVE = 1000;

/** Makes the carrier over the channels of a book. */
export function createChannelCarrier(book: ChannelBook, outbox: Pick<Outbox, 'finish'>): ChannelCarrier {
  return {
    nextSeq(id, writes) {
      const channel = book.find(id);
      if (channel === null) return null;
      channel.seq += 1;
      if (channel.seq > channel.row.seqReserved) {
        channel.row.seqReserved = channel.seq - 1 + RESERVE;
        writes.push(putChannel(channel.row));
      }
      return channel.seq;
    },
    absent(id, now) {
      const channel = book.find(id);
      return channel === null || book.isAbsent(channel, now);
    },
    push(subscription, row) {
      const channel = book.find(subscription.row.channelId ?? '');
      if (channel === null || row.seq === null) {
        outbox.finish(subscription, row, 'ended');
        return;
      }
      channel.ring.push({ subscription, row, seq: row.seq });
      // A visitor has one call, and its page nothing more to hear after it.
      if (row.final && isVisit(channel.row.who)) book.endBy(channel, row.at + LAST_WORDS_MS);
      book.filled(channel);
      channel.connection?.pump();
    },
    abandon(subscription, outcome) {
      book.find(subscription.row.channelId ?? '')?.ring.abandon(subscription, outcome);
    },
  };
}
