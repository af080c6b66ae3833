/** SIP.js, a SIP user agent of others, through the whole gateway in memory: registers, calls, is called and hangs up. Its media is SDP alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Invitation,
  Inviter,
  Registerer,
  RegistererState,
  type Session,
  type SessionDescriptionHandler,
  SessionState,
  UserAgent,
} from 'sip.js';
import { eventually } from '../support/core-peer.ts';
import { browserOffer } from '../support/core-world.ts';
import { HOME } from '../support/w2-client.ts';
import { ADA, FAR, imsEffect, type Scene, scene } from '../support/w2-scene.ts';

/** What a browser would say and hear of its connection. */
function silentMedia(heard: string[]): SessionDescriptionHandler {
  return {
    close() {},
    getDescription: async () => ({ body: browserOffer(), contentType: 'application/sdp' }),
    hasDescription: type => type === 'application/sdp',
    setDescription: async sdp => void heard.push(sdp),
    sendDtmf: () => false,
  };
}

interface Agent {
  agent: UserAgent;
  registerer: Registerer;
  /** Sessions called in, and the descriptions of the far end. */
  invited: Invitation[];
  heard: string[];
}

const uri = (text: string) => UserAgent.makeURI(text) ?? assert.fail(text);
const reaches = (session: Session, state: SessionState) => eventually(state, () => session.state === state);

async function startAgent(s: Scene): Promise<Agent> {
  const heard: string[] = [];
  const invited: Invitation[] = [];
  const agent = new UserAgent({
    uri: uri(`sip:${ADA}@${HOME}`),
    transportOptions: { server: s.door.url },
    sessionDescriptionHandlerFactory: () => silentMedia(heard),
    delegate: { onInvite: invitation => void invited.push(invitation) },
    logBuiltinEnabled: false,
  });
  const registerer = new Registerer(agent, {
    instanceId: '00000000-0000-4000-8000-000000000001',
    regId: 1,
    extraHeaders: ['Authorization: Bearer ada'],
  });
  await agent.start();
  await registerer.register();
  await eventually('the registration', () => registerer.state === RegistererState.Registered);
  return { agent, registerer, invited, heard };
}

test('SIP.js registers, calls and hangs up, is called and hung up, and leaves', async t => {
  const s = await scene();
  const { agent, registerer, invited, heard } = await startAgent(s);
  t.after(() => agent.stop());
  assert.equal(s.g.sizes()['registrations'], 1);

  const out = new Inviter(agent, uri(FAR));
  await out.invite();
  await imsEffect(s.g, 'ims.invite');
  const call = s.g.network.lastCall();
  s.g.network.progress(call, 180);
  s.g.network.answered(call);
  await reaches(out, SessionState.Established);
  assert.match(heard.at(-1) ?? '', /^m=audio /m);
  await out.bye();
  await eventually('the end at the core', () =>
    s.g.network.effects.some(effect => effect.type === 'ims.end' && effect.owner === call),
  );

  const next = s.g.network.invite(ADA);
  const invitation = await eventually('the invitation', () => invited[0]);
  assert.equal(invitation.state, SessionState.Initial);
  await invitation.accept();
  await eventually('the answer at the core', () =>
    s.g.network.effects.some(effect => effect.type === 'ims.answer' && effect.owner === next),
  );
  s.g.network.ended(next);
  await reaches(invitation, SessionState.Terminated);

  // By a REGISTER that shows no token: SIP.js sends those of the first one with the first one alone.
  await registerer.unregister();
  await eventually('the end of the registration', () => s.g.sizes()['registrations'] === 0);
  await eventually('nothing left', () => s.g.w2Sip?.sizes().calls === 0);
});
