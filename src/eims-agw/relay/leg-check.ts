/** What a browser leg makes of the ICE checks that name it. RFC 8445 7.3. */
import type { KeyObject } from 'node:crypto';
import { expects, freshness, onCheck } from './ice/agent.ts';
import { forget, type Leg, startClient, tellUp } from './leg.ts';
import { type BindingRequest, bindingError, bindingSuccess, integrityFits } from './stun/message.ts';

/** A Binding request with a user name of this leg. RFC 8445 7.3. */
export function takeCheck(leg: Leg, request: BindingRequest, address: string, port: number): void {
  const { agent, counts } = leg;
  const now = leg.share.clock.now();
  const key = leg.keys.get(request.ufrag);
  // Silence for whoever does not know the password: an error would be an oracle, and traffic for a forged source.
  const { ufrag, peerUfrag } = request;
  if (key === undefined || !expects(agent, { ufrag, peerUfrag, address, port }, now) || !integrityFits(request, key)) {
    counts.checkRefused += 1;
    return;
  }
  takeSigned(leg, request, key, address, port);
}

/** A check whose sender knows the password. */
function takeSigned(leg: Leg, request: BindingRequest, key: KeyObject, address: string, port: number): void {
  const { agent, counts, share } = leg;
  const { mux, clock } = share;
  const answer = (bytes: Buffer) => mux.send(bytes, bytes.length, address, port);
  if (request.unknown.length > 0 || request.controlled) {
    if (request.controlled) counts.roleConflict += 1;
    answer(bindingError(request, request.unknown.length > 0 ? 420 : 487, key));
    return;
  }
  const { ufrag, priority, useCandidate, bytes } = request;
  const check = { ufrag, address, port, priority, useCandidate, transaction: bytes.toString('latin1', 8, 20) };
  const seen = freshness(agent, check);
  if (seen === 'replay') {
    counts.checkReplayed += 1;
    return;
  }
  if (seen === 'again') {
    answer(bindingSuccess(request, address, port, key));
    return;
  }
  if (!mux.claim(address, port, leg.ear)) {
    counts.checkRefused += 1;
    return;
  }
  const before = agent.selected;
  const { removed, dropped } = onCheck(agent, check, clock.now());
  if (removed !== null) mux.release(removed.address, removed.port, leg.ear);
  forget(leg, dropped);
  answer(bindingSuccess(request, address, port, key));
  if (agent.selected === before) return;
  if (before !== null) counts.sourceMoved += 1;
  startClient(leg);
  tellUp(leg);
}
