/** What the client for subscribers is told and tells, and what holds when it is not told. */
import type { Call } from './call.ts';
import type { Environment } from './environment.ts';
import type { CallingError } from './errors.ts';
import type { Token } from './http.ts';
import type { Registration } from './registration.ts';

export type ClientState = 'idle' | 'registering' | 'registered' | 'offline' | 'closed';

export interface ClientEvents {
  registering: undefined;
  registered: Registration;
  unregistered: { error: CallingError | null };
  incoming: Call;
  connectionChanged: { state: ClientState };
  closed: undefined;
}

export interface ApiPaths {
  registration: string;
  callHandling: string;
  channels: string;
  iceServers: string;
}

export interface CallingClientOptions {
  /** Where the CAMARA APIs are; the page's own origin when absent. */
  apiRoot?: string;
  /** Called when a token is needed. */
  token(): Promise<Token>;
  /** UUID; by default one is made and kept for the browser profile. */
  deviceId?: string;
  /** Emergency numbers of the service besides 112 and 911, such as 110; digits only. */
  emergencyNumbers?: readonly string[];
  /** In place of those of the service. */
  iceServers?: RTCIceServer[];
  audio?: MediaTrackConstraints | boolean;
  /** The camera of calls with video. */
  camera?: MediaTrackConstraints | boolean;
  paths?: Partial<ApiPaths>;
  /** What is used of the browser; for tests. */
  environment?: Environment;
}

/** What goes well through the gateway's cap of video bandwidth. */
export const CAMERA: MediaTrackConstraints = {
  width: { ideal: 640 },
  height: { ideal: 480 },
  frameRate: { ideal: 30 },
};

export const PATHS: ApiPaths = {
  registration: '/webrtc-registration/v0.4rc1',
  callHandling: '/webrtc-call-handling/v0.4rc1',
  channels: '/webrtc-notification-channels/v0.1',
  iceServers: '/webrtc-ice-servers/v0.1',
};
