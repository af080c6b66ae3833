/** What a session needs of its device: who it is, its user agent, its way to the core. */
import type { Reply } from '../ep-cscf/api-request.ts';
import type { EventEffect } from '../ep-cscf/effect.ts';
import type { DeviceId, E164, MediaSessionId, RegistrationId } from '../ep-cscf/ids.ts';
import type { CallStatus, Principal } from '../ep-cscf/words.ts';
import type { UserAgent } from '../sip/index.ts';
import type { DoorNode } from './node.ts';
import type { Session } from './session.ts';

/** A registration that was made by SIP. */
export interface Registered {
  who: Principal;
  number: E164;
  deviceId: DeviceId;
  registrationId: RegistrationId;
  /** Home domain of the number. */
  home: string;
}

export interface Line extends Registered {
  readonly node: DoorNode;
  readonly agent: UserAgent;
  /** URI of the user agent's Contact. */
  readonly contact: string;
  /** What the core has a name for. */
  readonly sessions: Map<MediaSessionId, Session>;
  /** Calls out that nobody has answered, named or not: they die with their connection. RFC 3261 17.1.4. */
  readonly dialling: Set<Session>;
  put(session: MediaSessionId, status: CallStatus, sdp: { offer?: string; answer?: string }): Promise<Reply>;
  endSession(session: MediaSessionId): void;
  /** An invitation that could not be written: it is once more when the device is back. */
  hold(invitation: EventEffect): void;
  /** The core does not know the registration any more: an application has ended it. */
  unregistered(): void;
}
