/** How a call out is made, and how one goes on in the next page: its sound first, then the word of the service. */
import type { Call } from './call.ts';
import type { CallTable } from './calls.ts';
import type { KeptCall } from './kept-call.ts';
import type { CallMedia, MediaState } from './media.ts';
import type { SessionNews } from './session.ts';

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

/** Gives a call of the page before a new connection; `dress` readies its media. Rejects with CallingError when there is no microphone. */
export async function continueCall(
  calls: CallTable,
  openMedia: OpenMedia,
  kept: KeptCall,
  news: SessionNews,
  dress: (media: CallMedia) => Promise<void> = async () => {},
): Promise<Call> {
  let call: Call | null = null;
  const media = await openMedia(state => call?.mediaChanged(state));
  await dress(media);
  call = calls.adopt(news, kept.direction, media, kept);
  await call.reconnect();
  return call;
}
