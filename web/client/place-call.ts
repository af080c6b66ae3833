/** How a call out is made, and how one goes on in the next page: its sound first, then the word of the service. */
import type { Call } from './call.ts';
import type { CallTable } from './calls.ts';
import { nothingFound } from './errors.ts';
import type { Http } from './http.ts';
import type { KeptCall } from './kept-call.ts';
import type { CallMedia, MediaState } from './media.ts';
import { isAnswered, readSession, type SessionNews } from './session.ts';

type OpenMedia = (onState: (state: MediaState) => void) => Promise<CallMedia>;

/** `offer` lets the media make its offer and the service take it. Resolves when it has. Rejects with CallingError; nothing is left open then. */
export async function placeCall(
  calls: CallTable,
  openMedia: OpenMedia,
  offer: (media: CallMedia) => Promise<SessionNews>,
): Promise<Call> {
  let call: Call | null = null;
  let lastState: MediaState = 'new';
  const media = await openMedia(state => {
    lastState = state;
    call?.mediaChanged(state);
  });
  try {
    call = await calls.placing(async () => calls.adopt(await offer(media), 'outbound', media));
    call.mediaChanged(lastState);
    return call;
  } catch (error) {
    media.close();
    throw error;
  }
}

export interface Resumption {
  http: Http;
  /** Where the calls are, from the API root on. */
  path: string;
  kept: KeptCall;
  /** Keeps it once more. */
  keepAgain(): void;
  openMedia: OpenMedia;
  /** Readies the media of the call before it is offered. */
  dress?(media: CallMedia): Promise<void>;
}

/** Gives the answered call of the page before a new connection. Null: it is over. Rejects with CallingError: when there is no microphone, and the call is ended then; when the service cannot be asked, and the call is kept on. */
export async function resumeCall(calls: CallTable, parts: Resumption): Promise<Call | null> {
  const { http, kept } = parts;
  const path = `${parts.path}/${encodeURIComponent(kept.id)}`;
  const found = await http
    .request({ method: 'GET', path })
    .catch(nothingFound)
    .catch(error => {
      // It may still be there: whoever tries again must find it.
      parts.keepAgain();
      throw error;
    });
  const news = readSession(found);
  if (news === null || !isAnswered(news.status)) return null;
  let call: Call | null = null;
  const media = await parts
    .openMedia(state => call?.mediaChanged(state))
    .catch(async error => {
      await http.request({ method: 'DELETE', path }).catch(() => {});
      throw error;
    });
  await parts.dress?.(media);
  call = calls.adopt(news, kept.direction, media, kept);
  await call.reconnect();
  return call;
}
