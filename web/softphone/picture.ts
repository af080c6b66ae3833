/** The pictures of a call: the other side's, one's own, the button, and the question of a far end that asks for video. */
import type { Call } from '../client/index.ts';

export interface PictureParts {
  stage: HTMLElement;
  badge: HTMLElement;
  remote: HTMLVideoElement;
  own: HTMLVideoElement;
  button: HTMLButtonElement;
  /** Always there, for a screen reader says what changes in it, not that it appears. WCAG 2.2 4.1.3. */
  question: HTMLElement;
  answers: HTMLElement;
}

export interface Picture {
  /** Renews what is shown; null: no call. */
  refresh(call: Call | null): void;
}

const QUESTION = 'The other side asks for video.';

export function createPicture(parts: PictureParts): Picture {
  const { stage, badge, remote, own, button, question, answers } = parts;

  function show(element: HTMLVideoElement, stream: MediaStream | null): void {
    element.hidden = stream === null;
    if (element.srcObject !== stream) element.srcObject = stream;
  }

  return {
    refresh(call) {
      const video = call?.video ?? { local: false, remote: false };
      const seen = video.local || video.remote;
      show(remote, call !== null && video.remote ? call.remoteStream : null);
      show(own, call !== null && video.local ? call.localStream : null);
      stage.hidden = !seen;
      badge.hidden = seen;
      const asked = call?.answeredAt != null && call.asksVideo;
      const words = asked ? QUESTION : '';
      if (question.textContent !== words) question.textContent = words;
      answers.hidden = !asked;
      button.setAttribute('aria-pressed', String(seen));
      // Before the answer there is nobody to ask; a held call shows nothing.
      button.disabled = call?.answeredAt == null || asked || (!seen && call.heldBy !== null);
    },
  };
}
