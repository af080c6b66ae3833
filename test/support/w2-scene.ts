/** A whole gateway in memory with the SIP front door open, and the ways of a call that its stories share. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import type { Store } from '../../src/ep-cscf/ports.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventually } from './core-peer.ts';
import { browserOffer } from './core-world.ts';
import { connectClient, type Door, HOME, openDoor, type W2Client, type W2ClientOptions } from './w2-client.ts';
import { type WholeGateway, wholeGateway } from './whole-gateway.ts';

export const ADA = '+15550100001';
export const FAR = `sip:+15550109000@${HOME};user=phone`;

export interface Scene {
  g: WholeGateway;
  door: Door;
  client(options?: W2ClientOptions): Promise<W2Client>;
  /** A user agent of Ada's that is registered. */
  phone(options?: W2ClientOptions): Promise<W2Client>;
}

const closers: Array<() => void> = [];
after(() => {
  for (const close of closers) close();
});

export async function scene(
  w2Sip: Record<string, unknown> = {},
  more: Record<string, Record<string, unknown>> = {},
  store: Store = createMemoryStore(),
): Promise<Scene> {
  const g = await wholeGateway({
    store,
    settings: {
      ims: { home: HOME },
      w2Sip: { enabled: true, authzServer: 'https://idp.example.com', ...w2Sip },
      ...more,
    },
  });
  const door = await openDoor(g.w2Sip);
  closers.push(door.close);
  const client = (options?: W2ClientOptions) => connectClient(door.url, options);
  return {
    g,
    door,
    client,
    async phone(options) {
      const one = await client(options);
      assert.equal((await one.register()).status, 200);
      return one;
    },
  };
}

export const imsEffect = <T extends string>(g: WholeGateway, type: T) =>
  eventually(type, () => g.network.effects.findLast(effect => effect.type === type));

/** A call out that the network has the INVITE of. */
export async function dialled(s: Scene, phone: W2Client) {
  const before = s.g.network.effects.length;
  phone.request('INVITE', FAR, [], browserOffer());
  await eventually('the INVITE of the core', () =>
    s.g.network.effects.slice(before).some(effect => effect.type === 'ims.invite'),
  );
  return s.g.network.lastCall();
}

/** A call out that is up. */
export async function talking(s: Scene, phone: W2Client) {
  const call = await dialled(s, phone);
  s.g.network.answered(call);
  const ok = await phone.response(200);
  phone.request('ACK', FAR, [['To', ok.headers.get('To') ?? '']]);
  return { call, to: ['To', ok.headers.get('To') ?? ''] as const, ok };
}
