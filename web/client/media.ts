/** The sound and the picture of one call: microphone, camera, RTCPeerConnection, digits. Descriptions go out at once; candidates are found meanwhile. */
import { withoutLoneBundle } from './bundle.ts';
import { type Camera, createCamera, type VideoState, videoOf } from './camera.ts';
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import type { IceServers } from './ice-servers.ts';

export type MediaState = 'new' | 'flowing' | 'recovering' | 'lost';

export interface CallMedia {
  /**
   * Our offer, without waiting for candidates: the gateway finds ours by what we send. With `send` it is sent before any are
   * looked for, so that ICE servers which come with the answer to that count.
   */
  offer(send?: (sdp: string) => Promise<void>): Promise<string>;
  /** Takes the answer to our offer. */
  accept(answer: string): Promise<void>;
  /** Our answer to the gateway's offer. */
  answer(offer: string): Promise<string>;
  /** Begins a new connection with the same microphone; the streams stay. Its offer is asked for next. */
  renew(): void;
  mute(on: boolean): void;
  sendDigits(digits: string, gapMs: number): void;
  /** Goes on with another microphone; the far end notices nothing. */
  useMicrophone(audio: MediaTrackConstraints | boolean): Promise<void>;
  /** Opens the camera: the next offer or answer has video. Rejects with CallingError. */
  addVideo(video: MediaTrackConstraints | boolean): Promise<void>;
  /** Closes the camera: the next offer or answer has no video. */
  removeVideo(): void;
  muteVideo(on: boolean): void;
  /** Goes on with another camera; the far end notices nothing. */
  useCamera(video: MediaTrackConstraints | boolean): Promise<void>;
  /** Takes back an offer of ours that was not answered. */
  takeBack(): Promise<void>;
  /** As it was agreed last. */
  readonly video: VideoState;
  stats(): Promise<RTCStatsReport>;
  close(): void;
  readonly localStream: MediaStream;
  readonly remoteStream: MediaStream;
}

export interface MediaOptions {
  environment: Environment;
  audio: MediaTrackConstraints | boolean;
  iceServers: Pick<IceServers, 'current' | 'ready'>;
  onState(state: MediaState): void;
}

const DIGIT_MS = 160;

/** Opens the microphone and a connection. Rejects with CallingError. */
export async function openMedia(options: MediaOptions): Promise<CallMedia> {
  let [localStream] = await Promise.all([
    openMicrophone(options.environment, options.audio),
    options.iceServers.ready(),
  ]);
  let muted = false;
  let closed = false;
  const remoteStream = options.environment.newStream();
  const camera = createCamera(options.environment);
  let peer = connect();

  function configuration(): RTCConfiguration {
    return { iceServers: options.iceServers.current, bundlePolicy: 'balanced', rtcpMuxPolicy: 'require' };
  }

  function connect(): RTCPeerConnection {
    const fresh = options.environment.openPeer(configuration());
    for (const track of localStream.getAudioTracks()) fresh.addTrack(track, localStream);
    if (camera.track !== null) fresh.addTrack(camera.track, localStream);
    fresh.ontrack = ({ track }) => remoteStream.addTrack(track);
    fresh.onconnectionstatechange = () => {
      const state = stateOf(fresh.connectionState);
      if (state !== null) options.onState(state);
    };
    return fresh;
  }

  function take({ type, sdp }: { type: RTCSdpType; sdp: string }): Promise<void> {
    return peer.setRemoteDescription({ type, sdp: withoutLoneBundle(sdp, peer.currentRemoteDescription) });
  }

  function stopVideo(): void {
    for (const part of videoOf(peer)) {
      remoteStream.removeTrack(part.receiver.track);
      part.stop();
    }
    if (camera.track !== null) localStream.removeTrack(camera.track);
    camera.close();
  }

  /** What was agreed may have ended video: then its tracks are nobody's. */
  function settled(): void {
    const live = videoOf(peer).filter(part => part.currentDirection !== 'inactive');
    for (const track of remoteStream.getTracks())
      if (track.kind === 'video' && !live.some(part => part.receiver.track === track)) remoteStream.removeTrack(track);
    if (camera.takes && live.length === 0) stopVideo();
  }

  // A tab that is closed is torn down before its connections could say goodbye; then the far end would sit in silence.
  const stopListening = options.environment.whenLeaving(() => peer.close());

  function disconnect(): void {
    peer.onconnectionstatechange = null;
    peer.ontrack = null;
    peer.close();
  }

  const silence = (stream: MediaStream) => {
    for (const track of stream.getTracks()) track.stop();
  };

  return {
    get localStream() {
      return localStream;
    },
    remoteStream,
    offer: send =>
      negotiate(async () => {
        const offer = await peer.createOffer();
        if (send !== undefined) {
          await send(sdpOf(offer));
          peer.setConfiguration(configuration());
        }
        return sdpOf(await describe(peer, offer));
      }),
    accept: sdp =>
      negotiate(async () => {
        await take({ type: 'answer', sdp });
        settled();
      }),
    answer: sdp =>
      negotiate(async () => {
        await take({ type: 'offer', sdp });
        // Refused without being stopped, so that the same place may be offered again.
        for (const part of videoOf(peer)) part.direction = directionOf(camera);
        const answer = sdpOf(await describe(peer, await peer.createAnswer()));
        settled();
        return answer;
      }),
    renew() {
      disconnect();
      for (const track of remoteStream.getTracks()) remoteStream.removeTrack(track);
      peer = connect();
    },
    mute(on) {
      muted = on;
      for (const track of localStream.getAudioTracks()) track.enabled = !on;
    },
    sendDigits(digits, gapMs) {
      const sender = peer.getSenders().find(candidate => candidate.dtmf !== null)?.dtmf;
      if (sender === undefined || sender === null) throw new CallingError('media-failed');
      sender.insertDTMF(sender.toneBuffer + digits, DIGIT_MS, gapMs);
    },
    async useMicrophone(audio) {
      const fresh = await openMicrophone(options.environment, audio);
      const [track] = fresh.getAudioTracks();
      const sender = peer.getSenders().find(candidate => candidate.track?.kind === 'audio');
      if (closed || track === undefined || sender === undefined) {
        silence(fresh);
        return;
      }
      track.enabled = !muted;
      await sender.replaceTrack(track);
      for (const old of localStream.getAudioTracks()) old.stop();
      if (camera.track !== null) fresh.addTrack(camera.track);
      localStream = fresh;
    },
    async addVideo(video) {
      const track = await camera.open(video);
      if (closed) return camera.close();
      localStream.addTrack(track);
      const sender = peer.addTrack(track, localStream);
      for (const part of videoOf(peer)) if (part.sender === sender) part.direction = directionOf(camera);
    },
    removeVideo: stopVideo,
    muteVideo: on => camera.mute(on),
    async useCamera(video) {
      const before = camera.track;
      const sender = peer.getSenders().find(candidate => candidate.track?.kind === 'video');
      await camera.change(video, sender);
      if (before === null || camera.track === null) return;
      localStream.removeTrack(before);
      localStream.addTrack(camera.track);
      if (closed) camera.close();
    },
    async takeBack() {
      if (peer.signalingState === 'have-local-offer') await peer.setLocalDescription({ type: 'rollback' });
    },
    get video() {
      const directions = videoOf(peer).map(part => part.currentDirection);
      return {
        local: directions.some(direction => direction === 'sendrecv' || direction === 'sendonly'),
        remote: directions.some(direction => direction === 'sendrecv' || direction === 'recvonly'),
      };
    },
    stats: () => peer.getStats(),
    close() {
      closed = true;
      stopListening();
      silence(localStream);
      camera.close();
      disconnect();
    },
  };
}

async function openMicrophone(environment: Environment, audio: MediaOptions['audio']): Promise<MediaStream> {
  try {
    return await environment.openMicrophone({ audio, video: false });
  } catch (cause) {
    const name = (cause as { name?: string }).name;
    throw new CallingError(
      name === 'NotAllowedError' || name === 'SecurityError' ? 'microphone-denied' : 'microphone-missing',
      { cause },
    );
  }
}

function directionOf({ takes, track }: Camera): RTCRtpTransceiverDirection {
  if (!takes) return 'inactive';
  return track === null ? 'recvonly' : 'sendrecv';
}

async function describe(peer: RTCPeerConnection, description: RTCSessionDescriptionInit) {
  await peer.setLocalDescription(description);
  return description;
}

function sdpOf(description: RTCSessionDescriptionInit): string {
  if (description.sdp === undefined) throw new CallingError('media-failed');
  return description.sdp;
}

async function negotiate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof CallingError ? cause : new CallingError('media-failed', { cause });
  }
}

function stateOf(state: RTCPeerConnectionState): MediaState | null {
  switch (state) {
    case 'connected':
      return 'flowing';
    case 'disconnected':
      return 'recovering';
    case 'failed':
      return 'lost';
    case 'new':
    case 'connecting':
    case 'closed':
      return null;
    default:
      return state satisfies never;
  }
}

/** Digits as RTCDTMFSender takes them: `w` is a pause of two seconds. Throws CallingError. */
export function dtmfTones(digits: string): string {
  if (!/^[0-9*#A-Dw]{1,64}$/i.test(digits)) throw new CallingError('digits-unusable');
  return digits.toUpperCase().replaceAll('W', ',');
}
