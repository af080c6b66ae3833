/** Tells the core how the delivery of each invitation went: accepted by the first sink that takes it, undeliverable when none can. */
import type { CallId, MediaSessionId } from '../ep-cscf/ids.ts';
import type { EventInput } from '../ep-cscf/input.ts';

export interface Invitations {
  /** This leg's invitation is owed to `targets` subscriptions; with none it is undeliverable at once. */
  expect(leg: MediaSessionId, owner: CallId, targets: number): void;
  /** One more found in the store at start. It can still be accepted; that it cannot be delivered is then for the core's timer to find. */
  adopt(leg: MediaSessionId, owner: CallId): void;
  settle(leg: MediaSessionId, accepted: boolean): void;
  size(): number;
}

interface Invitation {
  owner: CallId;
  open: number;
  adopted: boolean;
}

/** Makes the tracker. `emit` is called later, never within a call to it. */
export function createInvitations(emit: (input: EventInput) => void): Invitations {
  const legs = new Map<MediaSessionId, Invitation>();
  const tell = (input: EventInput): void => queueMicrotask(() => emit(input));

  return {
    expect(leg, owner, targets) {
      if (targets === 0) tell({ type: 'invitation-undeliverable', owner, leg });
      else legs.set(leg, { owner, open: targets, adopted: false });
    },
    adopt(leg, owner) {
      const found = legs.get(leg);
      if (found === undefined) legs.set(leg, { owner, open: 1, adopted: true });
      else found.open += 1;
    },
    settle(leg, accepted) {
      const found = legs.get(leg);
      if (found === undefined) return;
      found.open -= 1;
      if (!accepted && found.open > 0) return;
      legs.delete(leg);
      if (accepted) tell({ type: 'invitation-accepted', owner: found.owner, leg });
      else if (!found.adopted) tell({ type: 'invitation-undeliverable', owner: found.owner, leg });
    },
    size: () => legs.size,
  };
}
