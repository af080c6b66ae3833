/** In the page: a JsSIP user agent, its story in its own words, and the sound of its call where the listening helpers look. */
import { UA, WebSocketInterface } from 'jssip';
import type { RTCSession } from 'jssip/lib/RTCSession.js';

const media = { mediaConstraints: { audio: true, video: false } };
const story: string[] = [];
const calls = new Map<string, { remoteStream: MediaStream }>();
let agent: UA | null = null;
let session: RTCSession | null = null;

function follow(made: RTCSession): void {
  session = made;
  calls.set('call', { remoteStream: new MediaStream() });
  const tell = (name: string) => () => void story.push(name);
  made.on('progress', tell('progress'));
  made.on('confirmed', tell('confirmed'));
  made.on('failed', ({ cause }) => story.push(`failed ${cause}`));
  made.on('ended', ({ cause }) => {
    calls.clear();
    story.push(`ended ${cause}`);
  });
  const listen = (connection: RTCPeerConnection) =>
    connection.addEventListener('track', ({ track }) => {
      // Before its first packet a track has nothing to record.
      const show = () => {
        const remoteStream = new MediaStream([track]);
        // Chromium decodes what is played.
        const player = Object.assign(new Audio(), { srcObject: remoteStream });
        void player.play();
        calls.set('call', { remoteStream });
      };
      if (track.muted) track.addEventListener('unmute', show);
      else show();
    });
  // There already for a call out, made by the answer to a call in.
  if (made.connection) listen(made.connection);
  else made.on('peerconnection', ({ peerconnection }) => listen(peerconnection));
}

Object.assign(globalThis, {
  lineside: { client: { calls } },
  jssip: {
    story,
    start(url: string, uri: string, token: string, instance: string) {
      const sockets = [new WebSocketInterface(url)];
      agent = new UA({ sockets, uri, authorization_jwt: `Bearer ${token}`, instance_id: instance });
      for (const name of ['registered', 'registrationFailed', 'unregistered', 'disconnected'] as const)
        agent.on(name, () => void story.push(name));
      agent.on('newRTCSession', (event: { session: RTCSession }) => follow(event.session));
      agent.start();
    },
    call: (target: string) => void agent?.call(target, media),
    answer: () => session?.answer(media),
    // Told when the other side has agreed to it.
    hold: () => session?.hold({}, () => void story.push('hold agreed')),
    unhold: () => session?.unhold({}, () => void story.push('unhold agreed')),
    terminate: () => session?.terminate(),
    stop: () => agent?.stop(),
  },
});
