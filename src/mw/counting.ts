/** Counts SIP requests and responses as they pass the transaction layer. */
import { METHODS, type ServerTransactionUser, type SipCount, type TransactionLayer } from '../sip/index.ts';

/** A method as a label: known ones only, so that a peer cannot make labels. */
function methodLabel(method: string): string {
  return METHODS.has(method) ? method : 'other';
}

export interface Counter {
  request(method: string, direction: 'in' | 'out'): void;
  response(method: string, status: number, direction: 'in' | 'out'): void;
}

export function createCounter(count: SipCount): Counter {
  return {
    request: (method, direction) => count('sip_requests_total', { method: methodLabel(method), direction }, 1),
    response: (method, status, direction) =>
      count(
        'sip_responses_total',
        { method: methodLabel(method), class: `${Math.floor(status / 100)}xx`, direction },
        1,
      ),
  };
}

/** The stack's own counters under the gateway's names: what was sent again, and what came in and was thrown away. */
export function stackCounts(count: SipCount, discarded: (reason: string, value: number) => void): SipCount {
  return (name, labels, value) => {
    if (name === 'sip_messages_sent_again') {
      count('sip_retransmissions_total', { method: methodLabel(labels['method'] ?? '') }, value);
      return;
    }
    const reason = labels['why'] ?? 'other';
    count('sip_discarded_total', { reason }, value);
    discarded(reason, value);
  };
}

/** The user of the layer, with what reaches it counted. */
export function countedUser(user: ServerTransactionUser, counter: Counter): ServerTransactionUser {
  return {
    onRequest(request, key, source) {
      counter.request(request.method, 'in');
      user.onRequest(request, key, source);
    },
    onAck(request, source) {
      counter.request('ACK', 'in');
      user.onAck(request, source);
    },
    onCancel(inviteKey, cancel) {
      counter.request('CANCEL', 'in');
      user.onCancel(inviteKey, cancel);
    },
    onServerFailure: (key, cause) => user.onServerFailure(key, cause),
  };
}

/** The layer, with what leaves by it and what is answered to it counted. */
export function countedLayer(layer: TransactionLayer, counter: Counter): TransactionLayer {
  return {
    request(request, target, user) {
      counter.request(request.method, 'out');
      return layer.request(request, target, {
        onResponse(response) {
          counter.response(request.method, response.status, 'in');
          user.onResponse(response);
        },
        onFailure: cause => user.onFailure(cause),
      });
    },
    cancel(key, extra) {
      const cancelled = layer.cancel(key, extra);
      if (cancelled) counter.request('CANCEL', 'out');
      return cancelled;
    },
    sendAck(request, target) {
      counter.request('ACK', 'out');
      layer.sendAck(request, target);
    },
    respond(key, response) {
      counter.response(response.headers.cseq()?.method ?? '', response.status, 'out');
      layer.respond(key, response);
    },
    isPending: key => layer.isPending(key),
    get size() {
      return layer.size;
    },
  };
}
