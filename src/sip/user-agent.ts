/** The user agent: calls, registrations and single requests over the transaction layer. Knows nothing of IMS. RFC 3261 8. */
import { randomBytes } from 'node:crypto';
import { sdpOf } from './dialog/body.ts';
import { optionsAnswer, plain, refusalOf } from './dialog/in-dialog.ts';
import { newUas } from './dialog/invite-uas.ts';
import { refusalSpec } from './dialog/session-state.ts';
import { tooShort } from './dialog/session-timer.ts';
import type { Facts, ResponseSpec } from './dialog/types.ts';
import { newUac } from './dialog/uac-state.ts';
import { locateNumeric } from './locate/locator.ts';
import { createTargetHealth } from './locate/target-health.ts';
import type { SipRequest } from './message/message.ts';
import type { ServerTransactionUser, Target, TransactionKey, TransactionLayer } from './transaction/types.ts';
import { createAuthorizer } from './user-agent-auth.ts';
import { type CallDriver, type CallHost, createCallDriver } from './user-agent-call.ts';
import { responseOf } from './user-agent-message.ts';
import { createSender } from './user-agent-send.ts';
import { registerContact, type SingleHost, sendSingle } from './user-agent-single.ts';
import { createSubscriptionDriver, type SubscriptionDriver } from './user-agent-subscription.ts';
import type { Call, CallUser, OutgoingCall, UserAgent, UserAgentOptions } from './user-agent-types.ts';

const ALLOW = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE', 'OPTIONS', 'INFO', 'NOTIFY'];
const SUPPORTED = ['100rel', 'timer'];
/** Methods that make no sense without a dialog: 481 when they come without one. */
const DIALOG_ONLY = new Set(['BYE', 'PRACK', 'UPDATE', 'INFO']);

/** A user agent over the layer that `options.layer` builds around it. */
export function createUserAgent(options: UserAgentOptions): UserAgent {
  const { user, timers, now, product = '' } = options;
  const randomHex = options.randomHex ?? ((bytes: number) => randomBytes(bytes).toString('hex'));
  const facts: Facts = {
    t1: options.timerValues?.t1 ?? 500,
    t2: options.timerValues?.t2 ?? 4000,
    supported: options.supported ?? SUPPORTED,
    allow: options.allow ?? ALLOW,
    minSeS: options.minSeS ?? 90,
  };
  const { onDemand = [] } = options;
  /** By Call-ID and our tag. */
  const dialogs = new Map<string, CallDriver>();
  /** Likewise. */
  const subscriptions = new Map<string, SubscriptionDriver>();
  /** Calls in that may still be cancelled, by the key of their INVITE. */
  const invited = new Map<TransactionKey, CallDriver>();
  /** Calls in by what stays the same over all paths of one INVITE. RFC 3261 8.2.2.2. */
  const paths = new Map<string, CallDriver>();
  let calls = 0;
  /** Agents may share one timer facility: the keys of each are its own. */
  const prefix = `ua${randomHex(6)}.`;

  const agent: ServerTransactionUser = { onRequest, onAck, onCancel, onServerFailure };
  const layer: TransactionLayer = options.layer(agent);
  const sender = createSender({
    layer: () => layer,
    locate: options.locate ?? ((uri, tell) => tell([locateNumeric(uri) ?? []].flat())),
    health:
      options.health ??
      createTargetHealth(
        now,
        () => {},
        () => (seed() >>> 0) / 2 ** 32,
      ),
    timers,
    prefix,
    product,
    patienceMs: options.patienceMs ?? 4000,
  });
  const host: CallHost & SingleHost = {
    layer: () => layer,
    sender: () => sender,
    timers,
    now,
    product,
    randomHex,
    live: { singles: 0 },
    log: (level, message, fields) => user.log?.(level, message, fields),
  };

  function onRequest(request: SipRequest, key: TransactionKey, source: Target): void {
    const screened = user.screen?.(request, source) ?? 'accept';
    if (screened !== 'accept') {
      answer(request, key, refusalSpec(screened));
      return;
    }
    const tag = request.headers.to()?.params.get('tag');
    if (typeof tag === 'string') {
      const id = dialogKey(request.headers.callId() ?? '', tag);
      const driver = dialogs.get(id) ?? subscriptions.get(id);
      if (driver !== undefined) driver.request(key, request);
      else answer(request, key, plain(481, 'Call/Transaction Does Not Exist'));
      return;
    }
    if (request.method === 'INVITE') onInvite(request, key, source);
    else answer(request, key, answerOutside(request, source));
  }

  /** A request without To-tag that is no INVITE. */
  function answerOutside(request: SipRequest, source: Target): ResponseSpec {
    const { method } = request;
    if (DIALOG_ONLY.has(method)) return plain(481, 'Call/Transaction Does Not Exist');
    if (method !== 'OPTIONS') {
      const own = user.onOther?.(request, source) ?? null;
      if (own !== null) return refusalSpec(own);
    }
    const refusal = refusalOf(request, facts);
    if (refusal !== null) return refusal;
    if (method === 'OPTIONS') {
      const own = user.onOptions?.(request, source);
      const usual = optionsAnswer(facts);
      return own === undefined ? usual : { ...refusalSpec(own), headers: [...usual.headers, ...(own.headers ?? [])] };
    }
    if (method === 'NOTIFY') return plain(481, 'Subscription Does Not Exist');
    return plain(405, 'Method Not Allowed', [['Allow', facts.allow.join(', ')]]);
  }

  function onInvite(request: SipRequest, key: TransactionKey, source: Target): void {
    const path = pathOf(request);
    if (paths.has(path)) {
      answer(request, key, plain(482, 'Loop Detected'));
      return;
    }
    const { headers } = request;
    const known = withTags(
      facts,
      onDemand,
      tag => headers.hasToken('Supported', tag) || headers.hasToken('Require', tag),
    );
    const refusal = refusalOf(request, known) ?? tooShort(request, known);
    if (refusal !== null) {
      answer(request, key, refusal);
      return;
    }
    const localTag = randomHex(8);
    const callId = request.headers.callId() ?? '';
    const standing = options.standing?.(request) ?? [];
    const state = newUas(request, key, known, localTag, options.contact(request), seed(), standing);
    const driver = createCallDriver(
      host,
      nextId(),
      callId,
      localTag,
      state,
      createAuthorizer(undefined, randomHex),
      gone => {
        dialogs.delete(dialogKey(callId, localTag));
        invited.delete(key);
        if (paths.get(path) === gone) paths.delete(path);
      },
    );
    driver.hold(key, request);
    dialogs.set(dialogKey(callId, localTag), driver);
    invited.set(key, driver);
    paths.set(path, driver);
    const listener = user.onInvite(driver, request, sdpOf(request), source);
    if ('status' in listener) driver.reject(listener);
    else driver.setUser(listener);
  }

  function onAck(request: SipRequest): void {
    const tag = request.headers.to()?.params.get('tag') ?? '';
    dialogs.get(dialogKey(request.headers.callId() ?? '', tag))?.input({ type: 'ack-received', request });
  }

  function onCancel(inviteKey: TransactionKey, cancel: SipRequest): void {
    invited.get(inviteKey)?.input({ type: 'cancel-received', request: cancel });
  }

  function onServerFailure(_key: TransactionKey, cause: 'timeout' | 'transport'): void {
    // The machines have their own ends for a lost 2xx (no ACK) and a lost refusal needs none.
    user.log?.('debug', 'a response did not get through', { cause });
  }

  function answer(request: SipRequest, key: TransactionKey, spec: ResponseSpec): void {
    layer.respond(key, responseOf(request, spec, randomHex(8), product));
  }

  function call(request: OutgoingCall, listener: CallUser): Call {
    const localTag = randomHex(8);
    const callId = request.callId ?? randomHex(16);
    const { uri, to, route, proxy, headers, body, contact, standing = [] } = request;
    const sent = {
      callId,
      localTag,
      from: `${request.from};tag=${localTag}`,
      uri,
      contact,
      seq: 1 + (seed() & 0xffff),
      standing: headers.filter(([name]) => standing.includes(name)),
    };
    const state = newUac(sent, { to, route, proxy, headers, body }, factsOf(request, facts, onDemand), seed());
    const authorize = createAuthorizer(request.credentials, randomHex);
    const driver = createCallDriver(host, nextId(), callId, localTag, state, authorize, () => {
      dialogs.delete(dialogKey(callId, localTag));
    });
    dialogs.set(dialogKey(callId, localTag), driver);
    driver.setUser(listener);
    driver.input({ type: 'invite' });
    return driver;
  }

  function nextId(): string {
    calls += 1;
    return prefix + calls.toString(36);
  }

  function seed(): number {
    return Number.parseInt(randomHex(4), 16) | 0;
  }

  return {
    call,
    register: (request, listener) => registerContact(host, request, listener),
    request: (request, listener) => sendSingle(host, request, listener),
    subscribe(request, listener) {
      const driver = createSubscriptionDriver(host, nextId(), request, listener, facts.t1, gone =>
        subscriptions.delete(dialogKey(gone.callId, gone.localTag)),
      );
      subscriptions.set(dialogKey(driver.callId, driver.localTag), driver);
      return driver;
    },
    sizes() {
      let confirmed = 0;
      for (const driver of dialogs.values()) if (driver.confirmed) confirmed += 1;
      return { calls: dialogs.size, dialogs: confirmed, singles: host.live.singles, subscriptions: subscriptions.size };
    },
    endAll(headers = []) {
      for (const driver of [...dialogs.values()]) driver.end(headers);
    },
  };
}

/** An INVITE without offer must not get one in a reliable 1xx: the answer would have to ride in our PRACK. */
function factsOf({ body, headers }: OutgoingCall, facts: Facts, onDemand: readonly string[]): Facts {
  const tags = headers.flatMap(([name, value]) => (name === 'Supported' ? value.split(/\s*,\s*/) : []));
  const known = body === null ? { ...facts, supported: facts.supported.filter(tag => tag !== '100rel') } : facts;
  return withTags(known, onDemand, tag => tags.includes(tag));
}

/** What the agent knows of one call: extensions on demand are known to those calls alone that name them. */
function withTags(facts: Facts, onDemand: readonly string[], isNamed: (tag: string) => boolean): Facts {
  const named = onDemand.filter(isNamed);
  return named.length === 0 ? facts : { ...facts, supported: [...facts.supported, ...named] };
}

function dialogKey(callId: string, localTag: string): string {
  return `${localTag} ${callId}`;
}

function pathOf(request: SipRequest): string {
  const { headers } = request;
  return `${headers.from()?.params.get('tag') ?? ''} ${headers.cseq()?.seq ?? ''} ${headers.callId() ?? ''}`;
}
