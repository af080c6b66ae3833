/** `<lineside-call entry-point="...">Talk to us</lineside-call>`: a button by which the visitors of a page talk to its owner. */
import { browserEnvironment, type Call, VisitorClient, type VisitorToken } from '../client/index.ts';
import { createTones, RINGBACK } from '../sound/tones.ts';
import { createMeter } from './levels.ts';
import { buildPanel } from './panel.ts';
import css from './style.css?inline';
import { createTalk, type Talk, type TalkState } from './talk.ts';
import { createView, isBusy } from './view.ts';
import { type Words, wordsOf } from './words.ts';

/** Where this file comes from is where the gateway is. */
const GATEWAY = new URL('.', import.meta.url).href;
const TICK_MS = 200;
const IDLE: TalkState = { name: 'idle' };

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

export class LinesideCall extends HTMLElement {
  static readonly observedAttributes = ['entry-point', 'gateway', 'lang', 'token-url'];
  readonly #environment = browserEnvironment();
  readonly #panel = buildPanel();
  readonly #view = createView(this.#panel, this.#environment.now);
  readonly #tones = createTones();
  readonly #meter = createMeter(this.#environment.now);
  #visitor: VisitorClient | null = null;
  #talk: Talk | null = null;
  #call: Call | null = null;
  #name = '';
  #words: Partial<Words> = {};
  #token: (() => Promise<VisitorToken>) | null = null;
  #told = JSON.stringify(IDLE);
  #stopTicking: (() => void) | null = null;
  #watch: IntersectionObserver | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    root.append(this.#panel.launcher, this.#panel.panel, this.#panel.audio);
    this.#listen();
  }

  /** The state of the call, as events tell it. */
  get state(): TalkState {
    return this.#talk?.state ?? IDLE;
  }

  /** What is below the button: the SDK. */
  get visitor(): VisitorClient | null {
    return this.#visitor;
  }

  /** Words in place of ours; those that are not named stay. */
  set words(words: Partial<Words>) {
    this.#words = words;
    this.#render();
  }

  /** A way to tokens of the page's own, in place of `token-url`; asked for each call. */
  set token(token: (() => Promise<VisitorToken>) | null) {
    this.#token = token;
    if (this.isConnected && !isBusy(this.state)) this.#begin();
  }

  /** Presses the button; browsers want a click or a key for it. */
  async call(): Promise<void> {
    this.#view.open();
    await this.#talk?.call();
  }

  async hangUp(): Promise<void> {
    await this.#talk?.hangUp();
  }

  mute(on = true): void {
    this.#talk?.mute(on);
  }

  /** 0-9, * and #. */
  async sendDigits(digits: string): Promise<void> {
    this.#view.digits(digits);
    await this.#talk?.digits(digits);
  }

  connectedCallback(): void {
    if (this.#talk === null) this.#begin();
  }

  attributeChangedCallback(attribute: string): void {
    // Who is called may change while nobody is.
    if (attribute !== 'lang' && this.isConnected && !isBusy(this.state)) this.#begin();
    this.#render();
  }

  disconnectedCallback(): void {
    // An element that is only put elsewhere is there again by then.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#watch?.disconnect();
      this.#talk?.hangUp();
      this.#talk = null;
    });
  }

  #begin(): void {
    this.#visitor = new VisitorClient({
      entryPoint: this.getAttribute('entry-point') ?? '',
      apiRoot: this.getAttribute('gateway') ?? GATEWAY,
      environment: this.#environment,
      ...(this.#ownToken() ?? {}),
    });
    const talk = createTalk({
      visitor: this.#visitor,
      environment: this.#environment,
      show: state => this.#show(state),
      name: displayName => {
        this.#name = displayName;
        this.#render();
      },
      listen: call => this.#hear(call),
      ringback: on => (on ? this.#tones.play(RINGBACK) : this.#tones.stop()),
      fault: error => console.warn(`lineside-call: ${error.message}`, error),
    });
    this.#talk = talk;
    this.#render();
    void talk.resume();
    this.#watch?.disconnect();
    if (this.getAttribute('look') === 'press') return;
    // Nobody is asked about a button that nobody sees.
    this.#watch = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting !== true) return;
      this.#watch?.disconnect();
      void talk.look();
    });
    this.#watch.observe(this);
  }

  #ownToken(): { token(): Promise<VisitorToken> } | null {
    const url = this.getAttribute('token-url');
    if (this.#token !== null) return { token: this.#token };
    if (url === null) return null;
    return {
      async token() {
        const response = await fetch(url, { method: 'POST', cache: 'no-store' });
        if (!response.ok) throw new Error(`${url} answers ${response.status}.`);
        return response.json();
      },
    };
  }

  #show(state: TalkState): void {
    // A call of the page before is seen without a press.
    if (isBusy(state) && !this.#view.isOpen) this.#view.open();
    this.#render();
    this.#tick();
    const told = JSON.stringify(state);
    if (told === this.#told) return;
    this.#told = told;
    this.dispatchEvent(new CustomEvent('lineside-call-state', { detail: { ...state }, bubbles: true, composed: true }));
  }

  #render(): void {
    const language = this.closest<HTMLElement>('[lang]')?.lang || navigator.language;
    const words = wordsOf(language, this.#words);
    const name = this.#name || this.textContent?.trim() || words.button;
    this.#view.render({ state: this.state, words, language, name, silent: this.#meter.silent });
  }

  /** What moves by itself: the timer, the levels, the wait before another try. */
  #tick(): void {
    const { state } = this;
    const moves = state.name === 'talking' || (state.name === 'failed' && state.retryAt !== null);
    if (!moves || this.#stopTicking !== null) return;
    this.#stopTicking = this.#environment.after(TICK_MS, () => {
      void this.#meter.read(this.#call).then(({ here, there }) => this.#view.level(here, there));
      this.#stopTicking = null;
      this.#render();
      this.#tick();
    });
  }

  #hear(call: Call | null): void {
    this.#call = call;
    const { audio } = this.#panel;
    audio.srcObject = call?.remoteStream ?? null;
    if (call === null) return;
    audio.play().catch(() => {
      // The browser wants a click first; the next one on the page starts it.
      addEventListener('click', () => void audio.play().catch(() => {}), { once: true });
    });
  }

  #listen(): void {
    const { launcher, panel, close, smaller, mute, keypad, hangUp, again, keys } = this.#panel;
    launcher.addEventListener('click', () => this.#press());
    close.addEventListener('click', () => this.#close());
    smaller.addEventListener('click', () => this.#view.small(!panel.hasAttribute('data-small')));
    mute.button.addEventListener('click', () => this.#toggleMute());
    keypad.button.addEventListener('click', () => this.#view.pad(!this.#view.padShown));
    hangUp.button.addEventListener('click', () => void this.hangUp());
    again.addEventListener('click', () => void this.#talk?.call());
    for (const key of keys) key.addEventListener('click', () => void this.sendDigits(key.value));
    panel.addEventListener('keydown', event => this.#key(event));
  }

  #press(): void {
    const { name } = this.state;
    this.#view.open();
    if (name === 'closed') void this.#talk?.look();
    else if (!isBusy(this.state)) void this.#talk?.call();
  }

  #close(): void {
    if (isBusy(this.state)) return;
    this.#view.close();
    this.#talk?.dismiss();
  }

  #toggleMute(): void {
    const { state } = this;
    if (state.name === 'talking') this.mute(!state.muted);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      if (this.#view.padShown) this.#view.pad(false);
      else this.#close();
    } else if (event.key === 'm') this.#toggleMute();
    else if (this.state.name === 'talking' && /^[0-9*#]$/.test(event.key)) {
      this.#view.pad(true);
      void this.sendDigits(event.key);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

if (customElements.get('lineside-call') === undefined) customElements.define('lineside-call', LinesideCall);
