/** What a call says to its listeners, and what it is made of. */
import type { Call } from './call.ts';
import type { VideoState } from './camera.ts';
import type { CallEnd } from './end.ts';
import type { Environment } from './environment.ts';
import type { Farewells } from './farewell.ts';
import type { Http } from './http.ts';
import type { KeptCall } from './kept-call.ts';
import type { CallMedia, MediaState } from './media.ts';
import type { CallStatus, Party } from './session.ts';

export interface CallEvents {
  /** Every change; the call's own properties are already new. */
  statusChanged: CallStatus;
  ringing: { earlyMedia: boolean };
  connected: undefined;
  held: { by: 'local' | 'remote' };
  resumed: undefined;
  muted: boolean;
  digits: string;
  /** Which pictures there are now. */
  videoChanged: VideoState;
  /** The far end asks for video and waits for `answerVideo`, or no longer does. */
  videoAsked: boolean;
  /** The sound was lost and may come back. */
  reconnecting: { layer: 'media' };
  reconnected: { layer: 'media' };
  ended: CallEnd;
}

export interface CallOptions {
  id: string;
  direction: 'inbound' | 'outbound';
  local: Party;
  remote: Party;
  http: Http;
  farewells: Farewells;
  environment: Environment;
  /** Where the calls are, from the API root on. */
  path: string;
  /** Outbound: open already. Inbound: opened by `answer`. */
  media: CallMedia | null;
  /** What it was before its page was loaded again. */
  kept: KeptCall | null;
  openMedia(onState: (state: MediaState) => void): Promise<CallMedia>;
  /** The camera to open. */
  camera(): MediaTrackConstraints | boolean;
  onEnded(call: Call): void;
}

/** Who holds a call. */
export type Holder = 'local' | 'remote' | 'both';
