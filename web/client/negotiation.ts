/** Offers and answers of one call: what the service says is taken in order, one negotiation at a time. */
import { offersVideo } from './camera.ts';
import { CallingError } from './errors.ts';
import type { CallMedia } from './media.ts';
import { type CallStatus, isAnswered, type SessionNews } from './session.ts';

export interface NegotiationParts {
  direction: 'inbound' | 'outbound';
  /** The first answer was given before its page was loaded again. */
  answered: boolean;
  /** Null when there is no sound, or no longer. */
  media(): CallMedia | null;
  /** PUT status; what it answers. Rejects with CallingError. */
  put(status: CallStatus, description: Record<string, unknown>): Promise<SessionNews | null>;
  /** A step went wrong: the call has no sound. */
  failed(): void;
  /** A step is done: what is agreed may have changed. */
  settled(): void;
  /** The far end asks for video, or no longer does. */
  asked(on: boolean): void;
}

export interface Negotiation {
  /** The offer of an incoming call that nobody has answered; null when there is none. */
  readonly waiting: string | null;
  /** Whether the first answer is given or being given. */
  answered: boolean;
  /** `status` is the call's own. */
  take(news: SessionNews, status: CallStatus): void;
  /** The far end asks for video and waits. */
  readonly asksVideo: boolean;
  /** Answers that. Camera and all are ready when it is called. */
  answerAsked(): void;
  /** Resolves when no step is under way. */
  idle(): Promise<unknown>;
  /** A new offer of ours, which the service answers without the far end. Rejects with CallingError. */
  offer(media: CallMedia, held: boolean): Promise<void>;
}

export function createNegotiation(parts: NegotiationParts): Negotiation {
  let { answered } = parts;
  let offer: string | null = null;
  let question: { sdp: string; status: CallStatus } | null = null;
  let work: Promise<unknown> = Promise.resolve();

  function then(step: (media: CallMedia) => Promise<void>): void {
    work = work.then(async () => {
      const media = parts.media();
      if (media === null) return;
      await step(media).catch(parts.failed);
      parts.settled();
    });
  }

  function reply(sdp: string, status: CallStatus): void {
    then(async media => {
      await parts.put(status, { answer: { sdp: await media.answer(sdp) } });
      // The same may be offered again, after a refusal.
      if (offer === sdp) offer = '';
    });
  }

  function ask(next: typeof question): void {
    if (question === next) return;
    question = next;
    parts.asked(next !== null);
  }

  return {
    get waiting() {
      return answered ? null : offer;
    },
    get answered() {
      return answered;
    },
    set answered(is) {
      answered = is;
    },
    take(news, status) {
      const theirOffer = news.offer?.sdp;
      const theirAnswer = news.answer?.sdp;
      if (parts.direction === 'outbound' && !answered && theirAnswer !== undefined) {
        answered = true;
        then(media => media.accept(theirAnswer));
        return;
      }
      if (parts.direction === 'inbound' && offer === null && theirOffer !== undefined) {
        offer = theirOffer;
        return;
      }
      // A new offer of the gateway in an answered call waits for our answer. CAMARA digest 6.3.
      if (theirOffer === undefined) return;
      if (theirAnswer !== undefined) {
        // What has its answer may be offered again, word for word.
        if (answered) offer = '';
        return ask(null);
      }
      if (!isAnswered(status) || theirOffer === offer) return;
      offer = theirOffer;
      const video = parts.media()?.video;
      // Whether to be seen is the user's to say; all else needs no question.
      if (offersVideo(theirOffer) && video?.local !== true && video?.remote !== true)
        ask({ sdp: theirOffer, status: news.status });
      else reply(theirOffer, news.status);
    },
    get asksVideo() {
      return question !== null;
    },
    answerAsked() {
      if (question === null) return;
      const { sdp, status } = question;
      question = null;
      reply(sdp, status);
    },
    idle: () => work,
    async offer(media, held) {
      const news = await parts.put(held ? 'Hold' : 'Connected', { offer: { sdp: await media.offer() } });
      if (news?.answer?.sdp === undefined) throw new CallingError('service');
      await media.accept(news.answer.sdp);
      parts.settled();
    },
  };
}
