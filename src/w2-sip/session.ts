/** A media session as a user agent sees it: a call of its own. What calls out and calls in have in common. */
import type { CoreEvent } from '../ep-cscf/effect.ts';
import type { MediaSessionId } from '../ep-cscf/ids.ts';
import type { CallStatus } from '../ep-cscf/words.ts';
import { firstLive, parseSdp, receives } from '../sdp/index.ts';
import type { Body, Call, CallUser, Heard, Reoffer } from '../sip/index.ts';
import type { Line } from './line.ts';
import { refusal, refusalOf } from './refusal.ts';

export type SessionEvent = Extract<CoreEvent, { kind: 'session-invitation' | 'session-status' }>;

export interface Session {
  /** What the core has published. */
  hear(event: SessionEvent): void;
  /** Ends it towards both sides. */
  end(): void;
}

/** The part of a session that begins with its answer. */
export interface Talk extends Pick<CallUser, 'onReoffer' | 'onUpdated' | 'onUpdateFailed'> {
  hear(event: SessionEvent): void;
}

/** `id` null: nothing can be agreed on yet. */
export function createTalk(line: Line, call: () => Call, id: () => MediaSessionId | null): Talk {
  let held = false;

  /** Hold and resume are directions, all else (a new path, video) is a changed offer. RFC 3264 8.4, CAMARA digest 6.4. */
  async function onReoffer(reoffer: Reoffer): Promise<void> {
    const session = id();
    if (session === null || reoffer.sdp === null) {
      reoffer.reject(refusal(488));
      return;
    }
    const status: CallStatus = isHold(reoffer.sdp) ? 'Hold' : held ? 'Resume' : 'Connected';
    const reply = await line.put(session, status, { offer: reoffer.sdp });
    if (!reply.ok) reoffer.reject(refusalOf(reply));
    else if (!('session' in reply) || reply.session.answer === null) reoffer.reject(refusal(500));
    else {
      held = status === 'Hold';
      reoffer.accept(sdpBody(reply.session.answer));
    }
  }

  return {
    onReoffer: reoffer => void onReoffer(reoffer),
    onUpdated({ sdp }: Heard) {
      const session = id();
      if (session !== null && sdp !== null) void line.put(session, 'Connected', { answer: sdp });
    },
    // The core goes on as it was when it hears nothing.
    onUpdateFailed() {},
    hear({ status, offer, answer }) {
      // The network may have refused the hold.
      if (status === 'Connected' || status === 'Resume') held = false;
      // Video comes or goes at the far end: the user is asked.
      if (offer !== null && answer === null) call().reinvite(sdpBody(offer));
    },
  };
}

/** Whether an offer holds: its sender takes no audio any more. RFC 3264 8.4. */
function isHold(sdp: string): boolean {
  const parsed = parseSdp(sdp);
  const audio = parsed.ok ? parsed.value.media[firstLive(parsed.value, 'audio')] : undefined;
  return audio !== undefined && !receives(audio.direction);
}

export function sdpBody(content: string): Body {
  return { contentType: 'application/sdp', content };
}
