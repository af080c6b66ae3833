/** Counts what user agents ask and how they are answered, and what of theirs is thrown away. */
import { METHODS, type SipCount, type SipResponse, type TransactionLayer } from '../sip/index.ts';

/** The layer, with its final responses counted. */
export function countedLayer(layer: TransactionLayer, count: SipCount): TransactionLayer {
  return {
    ...layer,
    respond(key, response) {
      countAnswer(response, count);
      layer.respond(key, response);
    },
    get size() {
      return layer.size;
    },
  };
}

/** A final response. */
export function countAnswer({ status, headers }: SipResponse, count: SipCount): void {
  if (status < 200) return;
  const method = headers.cseq()?.method ?? '';
  const labels = { method: METHODS.has(method) ? method : 'other', class: `${Math.floor(status / 100)}xx` };
  count('w2_sip_requests_total', labels, 1);
}

/** The stack's own counts under the gateway's names; on a connection nothing is sent again. */
export function stackCounts(count: SipCount): SipCount {
  return (name, labels, value) => {
    if (name === 'sip_messages_dropped') count('sip_discarded_total', { reason: labels['why'] ?? 'other' }, value);
  };
}
