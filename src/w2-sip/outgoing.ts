/** A call out: the user agent's INVITE becomes a media session, what the core publishes of it becomes its responses. CAMARA digest 6.1. */
import type { MediaSessionId } from '../ep-cscf/ids.ts';
import type { CallStatus } from '../ep-cscf/words.ts';
import { type Call, type CallUser, type Refusal, reasonPhrase, type SipRequest } from '../sip/index.ts';
import { addressOf, callerOf } from './address.ts';
import type { Line } from './line.ts';
import { finalOf, reasonHeaders, refusal, refusalOf } from './refusal.ts';
import { createTalk, type Session, type SessionEvent, sdpBody } from './session.ts';

const PROVISIONAL: Readonly<Partial<Record<CallStatus, number>>> = {
  InProgress: 183,
  Proceeding: 183,
  Ringing: 180,
  Waiting: 182,
};
/** Longest displayName of the APIs, which has no control characters either; a quoted one may escape them. RFC 3261 25.1. */
const NAME_LENGTH = 256;

export function createOutgoing(line: Line, call: Call, request: SipRequest, sdp: string | null): CallUser | Refusal {
  if (sdp === null) return refusal(488);
  const receiver = addressOf(request.uri, line.home);
  const originator = callerOf(request, line.home);
  if (receiver === null) return refusal(404);
  if (originator === null) return refusal(403);
  let id: MediaSessionId | null = null;
  let phase: 'dialling' | 'answered' | 'over' = 'dialling';
  let described = false;
  const talk = createTalk(
    line,
    () => call,
    () => (phase === 'answered' ? id : null),
  );

  async function originate(offer: string, originator: string, receiver: string): Promise<void> {
    const correlator = line.node.ids.uuid();
    line.node.log.info({ registration: line.registrationId, sip_call_id: call.callId, correlator }, 'call out by SIP');
    const reply = await line.node.core.ask({
      type: 'originate',
      ref: line.node.ids.ref(),
      who: line.who,
      correlator,
      registrationId: line.registrationId,
      originator,
      receiver,
      originatorName:
        request.headers
          .from()
          ?.display?.replace(/\p{Cc}/gu, '')
          .slice(0, NAME_LENGTH) ?? null,
      receiverName: null,
      offer,
      callType: null,
      location: null,
    });
    if (reply.ok && 'session' in reply) begun(reply.session.mediaSessionId);
    else if (phase !== 'over') {
      close();
      call.reject(reply.ok ? refusal(500) : refusalOf(reply));
      if (!reply.ok && reply.error === 'registration-not-usable') line.unregistered();
    }
  }

  function begun(made: MediaSessionId): void {
    if (phase === 'over') {
      line.endSession(made);
      return;
    }
    id = made;
    line.sessions.set(made, session);
  }

  function hear(event: SessionEvent): void {
    if (event.final) {
      close();
      // An answered call gets a BYE, the other its final response.
      call.end(reasonHeaders(event.reason), finalOf(event.status, event.reason));
    } else if (phase === 'answered') talk.hear(event);
    else if (event.status === 'Connected' && event.answer !== null) {
      phase = 'answered';
      line.dialling.delete(session);
      call.answer(sdpBody(event.answer));
    } else progress(event);
  }

  function progress({ status, answer }: SessionEvent): void {
    const code = PROVISIONAL[status];
    if (code === undefined) return;
    const body = described || answer === null ? null : sdpBody(answer);
    described ||= body !== null;
    call.provisional({ status: code, reason: reasonPhrase(code), body });
  }

  function close(): void {
    phase = 'over';
    line.dialling.delete(session);
    if (id !== null) line.sessions.delete(id);
  }

  /** The user agent, or its silence, has ended it. */
  function givenUp(): void {
    close();
    if (id !== null) line.endSession(id);
  }

  const session: Session = {
    hear,
    end() {
      givenUp();
      call.end();
    },
  };
  line.dialling.add(session);
  void originate(sdp, originator, receiver);
  return {
    ...talk,
    onCancelled: givenUp,
    onEnded: givenUp,
    onProgress() {},
    onAnswered() {},
    onRejected() {},
    onAcked() {},
  };
}
