/** What a number would send to register and to call, made by the same code over a wire that goes nowhere. */
import { realmFinder, realmsOf } from '../config/realm.ts';
import type { BindingId, CallId, E164, Ids } from '../ep-cscf/ids.ts';
import { accepted, challenged, demanding, ringing } from './dry-core.ts';
import { createStage, type DryMessage, type StageOptions } from './dry-stage.ts';
import type { Realm } from './realm.ts';

export interface DryRunOptions extends StageOptions {
  number: E164;
  /** Number called. */
  to: E164;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';

/** What would be sent, in order, nothing of it sent. Rejects with one sentence when the number has no realm or identity, or the first hop cannot be found. */
export async function dryRun(options: DryRunOptions): Promise<{ realm: string; messages: DryMessage[] }> {
  const { settings, ids, number, to } = options;
  const found = realmFinder(realmsOf(settings.ims))(number);
  if (found === null) throw new Error(`No realm of the settings has the number ${number}.`);
  const stage = await createStage(options, found);
  const { realm, messages, hear } = stage;
  const owner = ids.binding(0) as BindingId;
  const take = (text: string) => accepted(text, found.home);
  realm.start();
  const trunk = messages.length > 0;
  if (trunk) hear(take);
  const failure = await stage.register(owner, number);
  if (failure !== null) throw new Error(`The number ${number} cannot register in the realm ${found.name}: ${failure}.`);
  if (!trunk && messages.length > 0) {
    if (realm.bindings.credentialsOf(owner)?.password !== undefined)
      hear(text => challenged(text, found.home), 'when it is challenged');
    hear(take);
  }
  const call = callOut(realm, owner, ids, number, to);
  hear(demanding, 'when the far end demands preconditions');
  hear(ringing);
  stage.say('when the caller hangs up before the answer');
  realm.calls.end({ type: 'ims.end', owner: call, code: 0, phrase: '', reason: USER_ENDS });
  return { realm: found.name, messages };
}

/** The reason the core gives for a caller who gives up. */
const USER_ENDS = 'RELEASE_CAUSE;cause=1;text="User ends call"';

function callOut(realm: Realm, binding: BindingId, ids: Ids, from: E164, to: E164): CallId {
  const owner = ids.call(0) as CallId;
  realm.calls.invite(
    {
      type: 'ims.invite',
      owner,
      binding,
      from,
      anonymous: false,
      displayName: null,
      to: `tel:${to}`,
      sdp: SDP,
      correlator: ids.uuid(),
      location: null,
    },
    realm.bindings.routeOf(binding),
    realm.bindings.credentialsOf(binding),
  );
  return owner;
}
