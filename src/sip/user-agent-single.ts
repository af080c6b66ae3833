/** Requests outside a call: one OPTIONS or MESSAGE, and the REGISTERs of a contact. RFC 3261 8.1, 10, 11. */
import { routed } from './dialog/dialog.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import type { SipResponse } from './message/message.ts';
import {
  handleRegistration,
  type RegistrationEffect,
  type RegistrationInput,
  type RegistrationState,
  registerElsewhere,
} from './registration.ts';
import type { Target } from './transaction/types.ts';
import { createAuthorizer } from './user-agent-auth.ts';
import type { CallHost } from './user-agent-call.ts';
import type { SendUser } from './user-agent-send.ts';
import type {
  LocalCause,
  Registration,
  RegistrationRequest,
  RegistrationUser,
  SingleRequest,
  SingleUser,
} from './user-agent-types.ts';

export interface SingleHost extends CallHost {
  randomHex(bytes: number): string;
  /** Requests without a final answer yet. */
  live: { singles: number };
}

/** Sends one request in its own transaction. Tells exactly one of the two. */
export function sendSingle(host: SingleHost, request: SingleRequest, user: SingleUser): void {
  const { method, callId = host.randomHex(16), cseq = 1, body = null } = request;
  const { uri, nextHop, routes } = routed(request.uri, request.route);
  const headers: Header[] = [['Max-Forwards', '70']];
  for (const route of routes) headers.push(['Route', route]);
  headers.push(['From', `${request.from};tag=${host.randomHex(8)}`], ['To', request.to], ['Call-ID', callId]);
  headers.push(['CSeq', `${cseq} ${method}`]);
  if (request.contact !== undefined) headers.push(['Contact', request.contact]);
  headers.push(...request.headers);
  sendSpec(host, { method, uri, nextHop, headers, body }, user, request.target);
}

/** Sends a spec; `onFinal` for its final response, or `onFailure`, never from inside this call. `again`: the spec for the next server. */
function sendSpec(host: SingleHost, spec: RequestSpec, user: SingleUser & Pick<SendUser, 'again'>, to?: Target): void {
  host.live.singles += 1;
  const hears = {
    onResponse(response: SipResponse, unheard: LocalCause | null) {
      if (response.status < 200) return;
      host.live.singles -= 1;
      user.onFinal(response, unheard);
    },
    onFailure(cause: LocalCause) {
      host.live.singles -= 1;
      user.onFailure(cause);
    },
    again: () => user.again?.() ?? spec,
  };
  host.sender().send(spec, hears, to);
}

/** One contact at a registrar; sends nothing until it is told to. */
export function registerContact(host: SingleHost, request: RegistrationRequest, user: RegistrationUser): Registration {
  const { registrar, aor, contact, route, proxy, callId = host.randomHex(16), cseq = 0 } = request;
  const authorize = createAuthorizer(request.credentials, host.randomHex);
  const state: RegistrationState = {
    registrar,
    aor,
    fromTag: host.randomHex(8),
    contact,
    route,
    proxy,
    callId,
    seq: cseq,
    id: 0,
    pending: null,
    next: null,
  };

  function input(next: RegistrationInput): void {
    const out: RegistrationEffect[] = [];
    handleRegistration(state, next, out);
    for (const effect of out) perform(effect);
  }

  function perform(effect: RegistrationEffect): void {
    switch (effect.type) {
      case 'send': {
        const { id } = effect;
        let spec = authorize.ahead(effect.spec);
        sendSpec(host, spec, {
          again() {
            spec = registerElsewhere(state) ?? spec;
            return spec;
          },
          onFinal: (response, unheard) =>
            input({ type: 'response', id, response, unheard, authorization: authorize.answer(response, spec) }),
          onFailure: cause => input({ type: 'failure', id, cause }),
        });
        return;
      }
      case 'registered':
        user.onRegistered(effect.result);
        return;
      case 'unregistered':
        user.onUnregistered();
        return;
      case 'failed':
        user.onRegisterFailed(effect.failure);
        return;
      default:
        effect satisfies never;
    }
  }

  return {
    callId,
    refresh: (expiresS, headers) => input({ type: 'register', expiresS, headers }),
    remove: headers => input({ type: 'register', expiresS: 0, headers }),
  };
}
