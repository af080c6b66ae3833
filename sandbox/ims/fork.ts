/** One forked request: parallel branches, the first 2xx wins, the best refusal goes back. RFC 3261 16.7, 16.8, 16.10. */
import {
  createResponse,
  type SipRequest,
  type SipResponse,
  type SipTimers,
  type Target,
  type TransactionKey,
  type TransactionLayer,
} from '../../src/sip/index.ts';

/** A copy of the request for one contact, its Request-URI and Route already those of that contact. */
export interface BranchSpec {
  request: SipRequest;
  target: Target;
}

export interface ForkOptions {
  layer: TransactionLayer;
  timers: SipTimers;
  /** Prefix of this fork's timers; unlike any other fork's. */
  id: string;
  /** The request as it came, to make responses of our own. */
  request: SipRequest;
  branches: readonly BranchSpec[];
  /** Sends a response upstream. */
  respond(response: SipResponse): void;
  /** Every branch has ended. */
  onEnded(): void;
  /** Timer C, in ms: more than 3 minutes. RFC 3261 16.6 step 11. */
  timerCMs: number;
  tag: () => string;
}

export interface Fork {
  /** CANCELs what still rings; `reason` is the Reason value to pass on, if any. */
  cancel(reason: string | undefined): void;
}

interface Branch {
  key: TransactionKey;
  timer: string;
  /** Ringing or silent: a CANCEL makes sense. */
  open: boolean;
  provisional: boolean;
  final: SipResponse | null;
}

const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';

/** Sends the branches, all at once. */
export function startFork(options: ForkOptions): Fork {
  const { layer, timers, request } = options;
  const isInvite = request.method === 'INVITE';
  let finalSent = false;
  let cancelled = false;
  const branches: Branch[] = options.branches.map(({ request: copy, target }, index) => {
    const branch: Branch = {
      key: layer.request(copy, target, {
        onResponse: response => onResponse(branch, response),
        onFailure: cause => onFailure(branch, cause),
      }),
      timer: `${options.id}.${index}.C`,
      open: true,
      provisional: false,
      final: null,
    };
    return branch;
  });
  if (isInvite) for (const branch of branches) startTimerC(branch);

  function startTimerC(branch: Branch): void {
    timers.start(branch.timer, options.timerCMs, () => {
      // RFC 3261 16.8: what rings is cancelled and answers 487; what never answered counts as timed out.
      if (branch.provisional) layer.cancel(branch.key);
      else onFailure(branch, 'timeout');
    });
  }

  function onResponse(branch: Branch, received: SipResponse): void {
    const response = withoutOurVia(received);
    if (response === null) return;
    const { status } = response;
    if (status < 200) {
      if (!isInvite || status === 100 || !branch.open) return;
      branch.provisional = true;
      startTimerC(branch);
      if (!finalSent) options.respond(response);
      return;
    }
    const first = branch.open;
    close(branch, response);
    if (status < 300) {
      // Each 2xx to an INVITE goes back, its copies too: only the caller's ACK stops them. RFC 3261 16.7 step 5.
      if (isInvite || !finalSent) options.respond(response);
      finalSent = true;
      cancelOpen(ELSEWHERE);
    } else if (status >= 600) cancelOpen(undefined);
    if (first) settle();
  }

  function onFailure(branch: Branch, cause: 'timeout' | 'transport'): void {
    if (!branch.open) return;
    // A device that cannot be reached is the callee's matter: 503 would say that the whole core is down (RFC 3261 16.9).
    close(branch, createResponse(request, cause === 'timeout' ? 408 : 480, undefined, { toTag: options.tag() }));
    settle();
  }

  function close(branch: Branch, final: SipResponse): void {
    if (!branch.open) return;
    branch.open = false;
    branch.final = final;
    timers.stop(branch.timer);
  }

  function cancelOpen(reason: string | undefined): void {
    if (!isInvite) return;
    for (const branch of branches) if (branch.open) layer.cancel(branch.key, reason ? [['Reason', reason]] : []);
  }

  function settle(): void {
    if (branches.some(branch => branch.open)) return;
    if (!finalSent) {
      finalSent = true;
      const finals = branches.flatMap(branch => branch.final ?? []);
      options.respond(cancelled ? ended(finals) : best(request, finals, options.tag));
    }
    options.onEnded();
  }

  function ended(finals: readonly SipResponse[]): SipResponse {
    return (
      finals.find(final => final.status === 487) ?? createResponse(request, 487, undefined, { toTag: options.tag() })
    );
  }

  return {
    cancel(reason) {
      cancelled = true;
      cancelOpen(reason);
    },
  };
}

/** The response without the Via our transaction layer put on; null when nothing is left: it was for us alone. RFC 3261 16.7 step 3. */
function withoutOurVia(received: SipResponse): SipResponse | null {
  const headers = received.headers.clone();
  headers.removeFirst('Via');
  return headers.has('Via') ? { ...received, headers } : null;
}

/** Lower is better within a class: what tells the caller how to go on first, what says least last. RFC 3261 16.7 step 6. */
const RANK: Readonly<Record<number, number>> = {
  401: 0,
  407: 0,
  415: 1,
  420: 1,
  484: 1,
  488: 2,
  486: 2,
  480: 6,
  404: 7,
  408: 8,
  487: 9,
};

/** The best of the final responses: a 6xx, else the lowest class. */
function best(request: SipRequest, finals: readonly SipResponse[], tag: () => string): SipResponse {
  const score = ({ status }: SipResponse): number =>
    (status >= 600 ? 0 : Math.floor(status / 100)) * 100 + (RANK[status] ?? 5);
  const [first, ...rest] = finals;
  if (first === undefined) return createResponse(request, 480, undefined, { toTag: tag() });
  const chosen = rest.reduce((a, b) => (score(b) < score(a) ? b : a), first);
  if (chosen.status === 503) return createResponse(request, 500, undefined, { toTag: tag() });
  if (chosen.status === 401 || chosen.status === 407) addChallenges(chosen, finals);
  return chosen;
}

/** RFC 3261 16.7 step 7: the challenges of all branches go back together. */
function addChallenges(chosen: SipResponse, finals: readonly SipResponse[]): void {
  for (const final of finals) {
    if (final === chosen || (final.status !== 401 && final.status !== 407)) continue;
    for (const field of ['WWW-Authenticate', 'Proxy-Authenticate']) {
      for (const value of final.headers.all(field)) chosen.headers.add(field, value);
    }
  }
}
