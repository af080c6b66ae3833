/** The camera of one call, and its place in the connection: a picture is one transceiver, stopped when it is over. */
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';

/** Which pictures there are. */
export interface VideoState {
  local: boolean;
  remote: boolean;
}

export interface Camera {
  /** The picture, while the camera is open. */
  readonly track: MediaStreamTrack | null;
  /** Whether video of the far end is taken, with a camera of our own or without. */
  readonly takes: boolean;
  /** Rejects with CallingError; video of the far end is taken all the same. */
  open(video: MediaTrackConstraints | boolean): Promise<MediaStreamTrack>;
  /** Another camera in place of the one that is open, if one is. */
  change(video: MediaTrackConstraints | boolean, sender: RTCRtpSender | undefined): Promise<void>;
  mute(on: boolean): void;
  close(): void;
}

export function createCamera(environment: Environment): Camera {
  let track: MediaStreamTrack | null = null;
  let opening: Promise<MediaStreamTrack> | null = null;
  let takes = false;
  let muted = false;

  return {
    get track() {
      return track;
    },
    get takes() {
      return takes;
    },
    async open(video) {
      takes = true;
      if (track === null) {
        // Who asks while it opens gets the same: a second camera would never be closed.
        opening ??= openTrack(environment, video).finally(() => {
          opening = null;
        });
        track = await opening;
      }
      track.enabled = !muted;
      return track;
    },
    async change(video, sender) {
      const before = track;
      if (before === null) return;
      const fresh = await openTrack(environment, video);
      // The call is over, or has another camera: nobody would ever close this one.
      if (track !== before) return fresh.stop();
      fresh.enabled = !muted;
      try {
        await sender?.replaceTrack(fresh);
      } catch (error) {
        fresh.stop();
        throw error;
      }
      before.stop();
      track = fresh;
    },
    mute(on) {
      muted = on;
      if (track !== null) track.enabled = !on;
    },
    close() {
      track?.stop();
      track = null;
      takes = false;
    },
  };
}

async function openTrack(environment: Environment, video: MediaTrackConstraints | boolean): Promise<MediaStreamTrack> {
  try {
    const [track] = (await environment.openCamera({ video, audio: false })).getVideoTracks();
    if (track !== undefined) return track;
  } catch (cause) {
    const name = (cause as { name?: string }).name;
    const denied = name === 'NotAllowedError' || name === 'SecurityError';
    throw new CallingError(denied ? 'camera-denied' : 'camera-missing', { cause });
  }
  throw new CallingError('camera-missing');
}

/** The parts of a connection that carry video and are not over. */
export function videoOf(peer: RTCPeerConnection): RTCRtpTransceiver[] {
  return peer
    .getTransceivers()
    .filter(
      ({ receiver, currentDirection, direction }) =>
        receiver.track.kind === 'video' && currentDirection !== 'stopped' && direction !== 'stopped',
    );
}

/** Whether SDP offers video. */
export function offersVideo(sdp: string): boolean {
  return /^m=video [1-9]/m.test(sdp);
}
