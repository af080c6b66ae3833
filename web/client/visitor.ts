/** The SDK's root for visitors of a page: no account, no number; one call at a time, to who stands behind an entry point. */
import type { Call } from './call.ts';
import { createEmitter, type Listener } from './emitter.ts';
import { createDesk, type Desk, type EntryPoint, endsSoon, type VisitorToken } from './entry-point.ts';
import { browserEnvironment, type Environment } from './environment.ts';
import { CallingError } from './errors.ts';
import { createHttp } from './http.ts';
import { takeKeptVisit } from './kept-visit.ts';
import { createVisit, type Visit } from './visit.ts';

/** `microphone`: the browser may be asking for it; `preparing`: the token takes longer; `offline`: in a call, while the service cannot be reached. */
export type VisitorState = 'idle' | 'microphone' | 'preparing' | 'calling' | 'offline';

export interface VisitorEvents {
  stateChanged: VisitorState;
}

export interface VisitorClientOptions {
  /** Id of the entry point. */
  entryPoint: string;
  /** Where the gateway is; the page's own origin when absent. */
  apiRoot?: string;
  /** A token of your own back end, which gets it by POST /visitor-tokens; by default the page gets one by itself. */
  token?(): Promise<VisitorToken>;
  audio?: MediaTrackConstraints | boolean;
  /** Base path of webrtc-click-to-call below the API root. */
  path?: string;
  /** What is used of the browser; for tests. */
  environment?: Environment;
}

const PATH = '/webrtc-click-to-call/v0.1';
/** Statuses by which the service says that it has not made the call, and may soon. */
const NOT_NOW: readonly unknown[] = [429, 503, 504];

export class VisitorClient {
  readonly #entryPoint: string;
  readonly #apiRoot: string;
  readonly #path: string;
  readonly #environment: Environment;
  readonly #desk: Desk;
  readonly #emitter = createEmitter<VisitorEvents>();
  #audio: MediaTrackConstraints | boolean;
  #state: VisitorState = 'idle';
  #current: Call | null = null;

  constructor(options: VisitorClientOptions) {
    this.#entryPoint = options.entryPoint;
    this.#apiRoot = options.apiRoot ?? '';
    this.#path = options.path ?? PATH;
    this.#environment = options.environment ?? browserEnvironment();
    this.#audio = options.audio ?? true;
    this.#desk = createDesk({
      http: createHttp(this.#apiRoot, null, this.#environment),
      environment: this.#environment,
      path: `${this.#path}/public/entry-points/${encodeURIComponent(options.entryPoint)}`,
      ownToken: options.token ?? null,
    });
  }

  get state(): VisitorState {
    return this.#state;
  }

  /** The call there is, or null. */
  get current(): Call | null {
    return this.#current;
  }

  on<Name extends keyof VisitorEvents>(name: Name, listener: Listener<VisitorEvents[Name]>): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Who is called, and whether they take calls now. Rejects with CallingError. */
  look(): Promise<EntryPoint> {
    return this.#desk.look();
  }

  /** Calls. The browser's question for the microphone and all that a token takes go side by side. Resolves when the service has taken the call. Rejects with CallingError: `cancelled` after `signal`, `closed` outside of the hours, `too-many-calls` when all lines are busy. */
  async call({ signal }: { signal?: AbortSignal } = {}): Promise<Call> {
    if (this.#state !== 'idle') throw new CallingError('wrong-moment');
    const attempt = new AbortController();
    const cancel = () => attempt.abort(new CallingError('cancelled'));
    signal?.addEventListener('abort', cancel);
    if (signal?.aborted) cancel();
    this.#move('microphone');
    try {
      return await this.#place(attempt);
    } catch (error) {
      attempt.abort(error);
      // Nobody has to work again for a call that was not made.
      const { httpStatus } = error as Partial<CallingError>;
      if (this.state !== 'calling' || NOT_NOW.includes(httpStatus)) this.#desk.takeBack();
      this.#move('idle');
      throw attempt.signal.reason;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async #place(attempt: AbortController): Promise<Call> {
    const { signal } = attempt;
    const ask = () => this.#desk.token(signal);
    let given = ask();
    given.catch(error => attempt.abort(error));
    const visit = this.#visit(async () => (await given).visitorToken);
    const call = await visit.place(async microphone => {
      const media = await unlessAborted(signal, microphone, late => late.close());
      try {
        this.#move('preparing');
        const token = await unlessAborted(signal, given);
        // The question for the microphone may have stood there for long.
        if (endsSoon(token, this.#environment.now())) given = ask();
        await unlessAborted(signal, given);
      } catch (error) {
        media.close();
        throw error;
      }
      this.#move('calling');
      return media;
    });
    if (signal.aborted) {
      call.hangup().catch(() => {});
      throw signal.reason;
    }
    return this.#take(call);
  }

  /** Goes on with the call that was answered in the page before, of this tab and this site. Null: there is none, or it is over. Rejects with CallingError. */
  async resume(): Promise<Call | null> {
    if (this.#state !== 'idle') throw new CallingError('wrong-moment');
    const kept = takeKeptVisit(this.#environment.tab, this.#entryPoint);
    if (kept === null) return null;
    this.#move('calling');
    try {
      const call = await this.#visit(async () => kept.visitorToken).resume(kept);
      if (call !== null) return this.#take(call);
      this.#move('idle');
      return null;
    } catch (error) {
      this.#move('idle');
      throw error;
    }
  }

  /** The microphone of this and later calls, as constraints. Rejects with CallingError when a call cannot go on with it. */
  async useMicrophone(audio: MediaTrackConstraints | boolean): Promise<void> {
    this.#audio = audio;
    await this.#current?.useMicrophone(audio);
  }

  #visit(token: () => Promise<string>): Visit {
    return createVisit({
      environment: this.#environment,
      apiRoot: this.#apiRoot,
      path: `${this.#path}/calls`,
      entryPoint: this.#entryPoint,
      token,
      audio: this.#audio,
      onReach: reached => {
        if (this.#current !== null) this.#move(reached ? 'calling' : 'offline');
      },
    });
  }

  #take(call: Call): Call {
    const over = () => {
      this.#current = null;
      this.#move('idle');
    };
    this.#current = call;
    if (call.end === null) call.on('ended', over);
    else over();
    return call;
  }

  #move(state: VisitorState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit('stateChanged', state);
  }
}

/** Rejects at once when `signal` is aborted; `undo` gets what comes too late. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>, undo: (value: T) => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(value => (signal.aborted ? undo(value) : resolve(value)), reject);
  });
}
