/** The transaction layer of what comes before a registration, and of REGISTER itself: one for all connections. */
import {
  createResponse,
  createTransactionLayer,
  type DrivenTransactionLayer,
  type ParseResult,
  type Refusal,
  type SipRequest,
  type TransactionKey,
} from '../sip/index.ts';
import type { Flow } from './flow.ts';
import type { DoorNode } from './node.ts';

export interface Front {
  /** What could not be read is answered here; of a request, how to answer it, or null when it needs none. */
  receive(result: ParseResult, flow: Flow): ((answer: Refusal) => void) | null;
  readonly size: number;
}

export function createFront(node: DoorNode, flowOf: (id: string) => Flow | undefined): Front {
  const keys = new WeakMap<SipRequest, TransactionKey>();
  const layer: DrivenTransactionLayer = createTransactionLayer({
    ...node.layerParts(),
    wire: {
      send(packet, { connection = '' }, sent) {
        const left = flowOf(connection)?.send(packet) ?? false;
        if (!left && sent !== null) queueMicrotask(() => sent(new Error('the connection is gone')));
      },
      sentBy: () => node.sentBy(),
    },
    user: {
      onRequest: (request, key) => void keys.set(request, key),
      onAck() {},
      onCancel() {},
      onServerFailure() {},
    },
  });
  const counted = node.counted(layer);

  return {
    receive(result, flow) {
      layer.receive(result, flow.source);
      const request = result.ok && result.message.type === 'request' ? result.message : null;
      const key = request === null ? undefined : keys.get(request);
      if (request === null || key === undefined) return null;
      return ({ status, reason, headers = [] }) =>
        counted.respond(key, createResponse(request, status, reason, { toTag: node.randomHex(8), headers }));
    },
    get size() {
      return layer.size;
    },
  };
}
