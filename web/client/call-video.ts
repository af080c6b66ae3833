/** The video of one call: which pictures are agreed on, and how they come and go while it lasts. The sound goes on through all of it. */
import type { VideoState } from './camera.ts';
import { CallingError } from './errors.ts';
import type { CallMedia } from './media.ts';
import type { Negotiation } from './negotiation.ts';

export interface CallVideoParts {
  /** Null when there is no sound, or no longer. */
  media(): CallMedia | null;
  negotiation(): Negotiation;
  /** The camera to open. */
  camera(): MediaTrackConstraints | boolean;
  /** Whether our user holds the call. */
  held(): boolean;
  changed(state: VideoState): void;
}

export interface CallVideo {
  /** Which pictures are agreed on. */
  readonly state: VideoState;
  readonly muted: boolean;
  /** Rejects with CallingError: without camera, and when the far end takes no video. */
  add(media: CallMedia): Promise<void>;
  /** Of both sides. */
  remove(media: CallMedia): Promise<void>;
  /** Of a far end that asks. Without a camera one sees and is not seen. */
  answer(accept: boolean): Promise<void>;
  mute(on: boolean): void;
  /** What is agreed may have changed. */
  settled(): void;
}

export function createCallVideo(parts: CallVideoParts): CallVideo {
  let state: VideoState = { local: false, remote: false };
  let muted = false;

  function settled(): void {
    const now = parts.media()?.video ?? { local: false, remote: false };
    if (now.local === state.local && now.remote === state.remote) return;
    state = now;
    parts.changed(now);
  }

  /** What goes wrong takes the offer back, the sound is as it was. */
  async function renegotiate(media: CallMedia): Promise<void> {
    try {
      await parts.negotiation().offer(media, parts.held());
    } catch (error) {
      await media.takeBack();
      media.removeVideo();
      settled();
      throw error;
    }
  }

  return {
    get state() {
      return state;
    },
    get muted() {
      return muted;
    },
    async add(media) {
      await parts.negotiation().idle();
      await media.addVideo(parts.camera());
      await renegotiate(media);
      if (!state.local) throw new CallingError('video-refused');
    },
    async remove(media) {
      await parts.negotiation().idle();
      media.removeVideo();
      await renegotiate(media);
    },
    async answer(accept) {
      const negotiation = parts.negotiation();
      if (accept)
        await parts
          .media()
          ?.addVideo(parts.camera())
          .catch(() => {});
      negotiation.answerAsked();
      await negotiation.idle();
    },
    mute(on) {
      muted = on;
      parts.media()?.muteVideo(on);
      parts.changed(state);
    },
    settled,
  };
}
