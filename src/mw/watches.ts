/** The registration-state subscriptions of this node's bindings: one for each, renewed with back-off. IMS digest 2.12. */
import { retryDelay } from '../ep-cscf/back-off.ts';
import type { BindingId } from '../ep-cscf/ids.ts';
import type { SipRequest, SipTimers, Subscription } from '../sip/index.ts';
import type { ImsIdentity } from './identities.ts';
import type { MwNode } from './node.ts';
import { createRegWatch, type RegWatch, takeRegInfo } from './reg-event.ts';
import { parseRegInfo } from './reg-info.ts';
import { instanceOf, recordOf, subscribeFields } from './register-fields.ts';

export interface Watched {
  id: BindingId;
  identity: ImsIdentity;
  /** Our contact URI at the registrar. */
  contact: string;
  /** Service-Route. */
  route: readonly string[];
}

export interface Watches {
  /** Watches a binding that was registered; `afresh`: by an initial REGISTER, so an older subscription counts no more. */
  watch(watched: Watched, afresh: boolean): void;
  /** Ends the subscription of a binding, if there is one. */
  unwatch(id: BindingId): void;
  readonly size: number;
}

interface Watch {
  watched: Watched;
  subscription: Subscription | null;
  state: RegWatch;
  failures: number;
}

const TYPE = 'application/reginfo+xml';
/** Reasons for which the notifier wants us back at once; a 481 says that it has lost the dialog. RFC 6665 4.1.3. */
const AT_ONCE = new Set(['deactivated', 'timeout']);
const AT_ONCE_MS = 1000;
/** Reasons and refusals after which there is no point in asking again before the next initial registration. */
const FOR_GOOD = new Set(['rejected', 'noresource', 'invariant']);
const REFUSED = new Set([403, 404, 405, 489, 501]);

/** `expiresS`: time asked for. */
export function createWatches(node: MwNode, timers: SipTimers, expiresS: number): Watches {
  const watches = new Map<BindingId, Watch>();

  function start(watch: Watch): void {
    const { identity, route, contact, id } = watch.watched;
    watch.state = createRegWatch(identity.impu, contact, instanceOf(identity.impu));
    const aor = recordOf(identity.impu, node.facts);
    const credentials = node.credentialsOf(identity);
    const subscription = node.agent().subscribe(
      {
        uri: aor,
        from: `<${aor}>`,
        to: `<${aor}>`,
        contact: `<${contact}>`,
        route,
        proxy: node.proxy,
        event: 'reg',
        accept: TYPE,
        expiresS,
        headers: subscribeFields(identity, node.icid(), node.facts),
        ...(credentials === undefined ? {} : { credentials }),
      },
      {
        onNotified: request => {
          if (watch.subscription === subscription) notified(watch, request);
        },
        onSubscriptionEnded: end => {
          if (watch.subscription === subscription && watches.get(id) === watch) ended(watch, end);
        },
      },
    );
    watch.subscription = subscription;
  }

  function notified(watch: Watch, request: SipRequest): void {
    const { id } = watch.watched;
    if (request.body.length === 0) return;
    const info = parseRegInfo(Buffer.from(request.body).toString('utf8'));
    if (info === null) {
      node.log.warn({ binding: id, bytes: request.body.length }, 'a registration-state document cannot be read');
      return;
    }
    watch.failures = 0;
    const finding = takeRegInfo(watch.state, info);
    if (finding === null) return;
    switch (finding.type) {
      case 'lost': {
        const { event, retryAfterS } = finding;
        node.emit({ type: 'ims-binding-lost', owner: id, event, retryAfterS });
        return;
      }
      case 'register':
        node.emit({ type: 'ims-register-wanted', owner: id });
        return;
      case 'incomplete':
        watch.subscription?.refresh();
        return;
      default:
        finding satisfies never;
    }
  }

  function ended(watch: Watch, end: { reason: string | null; retryAfterS: number | null; status: number }): void {
    const { id } = watch.watched;
    const { reason, retryAfterS, status } = end;
    watch.subscription = null;
    if (REFUSED.has(status)) {
      node.log.warn({ binding: id, status, alarm: 'reg-event-refused' }, 'the core refuses to tell of registrations');
      return;
    }
    if (reason !== null && FOR_GOOD.has(reason)) return;
    watch.failures += 1;
    const backOff = retryDelay(watch.failures, retryAfterS ?? null, Math.random(), node.backOff);
    const wanted = status === 481 || (reason !== null && AT_ONCE.has(reason));
    const ms = watch.failures === 1 && wanted ? AT_ONCE_MS : backOff;
    node.log.debug({ binding: id, reason, status, ms: Math.round(ms) }, 'registration-state subscription ended');
    timers.start(timerOf(id), ms, () => {
      if (watches.get(id) === watch && watch.subscription === null) start(watch);
    });
  }

  return {
    watch(watched, afresh) {
      const known = watches.get(watched.id);
      if (known !== undefined && !afresh) {
        known.watched = watched;
        return;
      }
      timers.stop(timerOf(watched.id));
      // What an older subscription still says is of the registration before.
      known?.subscription?.end();
      const watch: Watch = { watched, subscription: null, state: createRegWatch('', '', ''), failures: 0 };
      watches.set(watched.id, watch);
      start(watch);
    },
    unwatch(id) {
      timers.stop(timerOf(id));
      const watch = watches.get(id);
      watches.delete(id);
      watch?.subscription?.end();
    },
    get size() {
      return watches.size;
    },
  };
}

function timerOf(id: BindingId): string {
  return `reg.${id}`;
}
