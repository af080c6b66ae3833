/** A call in: the invitation becomes an INVITE, its responses become what an application would PUT. CAMARA digest 6.2. */
import type { EventEffect } from '../ep-cscf/effect.ts';
import type { CallId } from '../ep-cscf/ids.ts';
import type { CallStatus } from '../ep-cscf/words.ts';
import { ANONYMOUS } from '../ep-cscf/words.ts';
import { type Call, type Failure, formatNameAddr, type Heard } from '../sip/index.ts';
import { uriOf } from './address.ts';
import type { Line } from './line.ts';
import { ownContact } from './node.ts';
import { reasonHeaders } from './refusal.ts';
import { createTalk, type Session, type SessionEvent, sdpBody } from './session.ts';

/** Sends the INVITE of an invitation; the device has a flow. */
export function createIncoming(line: Line, invitation: EventEffect, event: SessionEvent): Session {
  const id = event.mediaSessionId;
  const owner = invitation.owner as CallId;
  const { core, log } = line.node;
  let phase: 'ringing' | 'answered' | 'over' = 'ringing';
  let reached = false;
  const talk = createTalk(
    line,
    () => call,
    () => (phase === 'answered' ? id : null),
  );

  /** The user agent has the INVITE. */
  function reach(): void {
    if (!reached) core.emit({ type: 'invitation-accepted', owner, leg: id });
    reached = true;
  }

  /** Says it to the core; what the core refuses ends the call. */
  async function say(status: CallStatus, answer: string | null): Promise<void> {
    const reply = await line.put(id, status, answer === null ? {} : { answer });
    if (reply.ok || status !== 'Connected' || phase === 'over') return;
    log.info({ session: id, error: reply.error }, 'the answer of a SIP user agent came to nothing');
    close();
    call.end(reasonHeaders(`SIP;cause=${reply.error === 'sdp-unusable' ? 488 : 487}`));
    // It may still ring there, where an application could have tried again.
    line.endSession(id);
  }

  function onProgress({ response, sdp }: Heard): void {
    reach();
    if (phase === 'ringing') void say(response.status === 180 ? 'Ringing' : 'InProgress', sdp);
  }

  function onAnswered({ sdp }: Heard): void {
    reach();
    if (phase !== 'ringing') return;
    phase = 'answered';
    void say('Connected', sdp);
  }

  function onRejected({ response, cause }: Failure): void {
    const ours = phase === 'over';
    close();
    if (ours) return;
    if (response !== null) {
      reach();
      void line.put(id, response.status === 486 || response.status === 600 ? 'Busy' : 'Declined', {});
    } else if (reached) line.endSession(id);
    else if (cause === 'transport') line.hold(invitation);
    else core.emit({ type: 'invitation-undeliverable', owner, leg: id });
  }

  function close(): void {
    phase = 'over';
    line.sessions.delete(id);
  }

  const { originatorAddress, originatorName, receiverAddress, offer } = event;
  const display = originatorAddress === ANONYMOUS ? 'Anonymous' : originatorName;
  const call: Call = line.agent.call(
    {
      uri: line.contact,
      from: formatNameAddr({ display, uri: uriOf(originatorAddress, line.home), params: new Map() }),
      to: `<${uriOf(receiverAddress, line.home)}>`,
      contact: ownContact(line.node),
      route: [],
      headers: event.reason === null ? [] : [['Reason', event.reason]],
      body: sdpBody(offer ?? ''),
    },
    {
      ...talk,
      onTrying: reach,
      onProgress,
      onAnswered,
      onRejected,
      onEnded() {
        close();
        line.endSession(id);
      },
      onCancelled() {},
      onAcked() {},
    },
  );
  return {
    hear(next) {
      if (next.final) {
        close();
        call.end(reasonHeaders(next.reason));
      } else if (phase === 'answered') talk.hear(next);
    },
    end() {
      close();
      call.end();
      line.endSession(id);
    },
  };
}
