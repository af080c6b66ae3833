/** A sandbox of its own and Chromium with a microphone that plays a steady tone: what the tests of the page share. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { buildPages, pagesAreStale } from '../../tools/build-pages.ts';
import { closeAll } from '../support/close-all.ts';
import type { NetworkNamespace } from '../support/network-namespace.ts';
import { createPageContract, type PageContract } from '../support/page-contract.ts';
import { toneWav } from '../support/tone.ts';
import { unhurried } from '../support/unhurried.ts';

/** Of the microphone. Far from the 440 Hz of the tone number. */
export const MICROPHONE_HZ = 1000;

export interface Stage {
  sandbox: Sandbox;
  /** What the gateway has logged so far. */
  log(): string;
  /** A browser profile of its own: its own sign-in, its own device. What its pages get is held against the served documents. */
  profile(): Promise<BrowserContext>;
  /** Ends all; rejects when a page got what no served document tells of. */
  close(): Promise<void>;
}

/** A page of Chromium by Playwright or of Firefox by Puppeteer: what both can. */
export interface AnyPage {
  locator(selector: string): { click(): Promise<void>; fill(text: string): Promise<void> };
  evaluate<Result>(work: (argument: string) => Result, argument: string): Promise<Awaited<Result>>;
  evaluate<Result>(work: (argument: number) => Result, argument: number): Promise<Awaited<Result>>;
}

/** Starts everything on an address of its own; `settings` go over the sandbox's own, `tls` makes the pages https; Chromium runs in `network`, if there is one. */
export async function openStage(
  host: string,
  settings: Record<string, Record<string, unknown>> = {},
  tls?: { cert: string; key: string },
  network?: NetworkNamespace,
): Promise<Stage> {
  if (pagesAreStale()) await buildPages();
  const folder = mkdtempSync(join(tmpdir(), 'lineside-browser-'));
  const tone = join(folder, 'tone.wav');
  writeFileSync(tone, toneWav(MICROPHONE_HZ, 20, 48_000));
  let log = '';
  const sandbox = await startSandbox({
    host,
    dataDir: null,
    settings: unhurried(settings),
    ...(tls === undefined ? {} : { tls }),
    onLog: text => {
      log += text;
    },
  }).catch(error => {
    throw new Error(log.slice(-1000), { cause: error });
  });
  const opened: Array<() => unknown> = [() => rmSync(folder, { recursive: true, force: true }), sandbox.close];
  const close = () => closeAll(opened.toReversed());
  let browser: Browser;
  let contract: PageContract;
  try {
    const command = network === undefined ? CHROMIUM : commandIn(network, folder);
    browser = await launch(tone, command, tls === undefined ? [] : [believing(tls.cert)]);
    opened.push(() => browser.close());
    contract = await createPageContract(sandbox.pages);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    sandbox,
    log: () => log,
    async profile() {
      const permissions = ['microphone', 'camera'];
      const profile = await browser.newContext({ permissions, ignoreHTTPSErrors: tls !== undefined });
      contract.watch(profile);
      return profile;
    },
    async close() {
      const { LINESIDE_TEST_LOG } = process.env;
      if (LINESIDE_TEST_LOG !== undefined) writeFileSync(LINESIDE_TEST_LOG, log);
      // What the pages got is held against the documents when the browser is gone.
      await closeAll([close, contract.close]);
    },
  };
}

const CHROMIUM = '/usr/bin/chromium';

/** Playwright starts one program, and speaks to it over its pipes. */
function commandIn(network: NetworkNamespace, folder: string): string {
  const file = join(folder, 'chromium');
  writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${network.name} ${CHROMIUM} "$@"\n`, { mode: 0o755 });
  return file;
}

/** Also by what is no page: a TURN server. */
function believing(cert: string): string {
  const key = new X509Certificate(readFileSync(cert)).publicKey.export({ type: 'spki', format: 'der' });
  return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`;
}

function launch(tone: string, executablePath: string, more: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--autoplay-policy=no-user-gesture-required',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-audio-capture=${tone}`,
      ...more,
    ],
  });
}

/** Signs in as a subscriber and waits until the page can call. */
export async function signIn(context: BrowserContext, pages: string, number: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${pages}/softphone/`);
  await choose(page, number);
  return page;
}

/** On the page that asks who signs in. */
export async function choose(page: AnyPage, number: string): Promise<void> {
  await press(page, 'sign-in');
  await press(page, `subscriber-${number}`);
  await waitText(page, 'status', /^Ready$/);
}

/** Signs out, so that this device is not rung any more, and closes the profile. */
export async function leave(page: Page): Promise<void> {
  await page.locator('#sign-out').click();
  await waitText(page, 'status', /^Signed out$/);
  await page.context().close();
}

export async function dial(page: AnyPage, number: string): Promise<void> {
  await page.locator(byTestId('dial-input')).fill(number);
  await press(page, 'call-button');
}

export function press(page: AnyPage, testId: string): Promise<void> {
  return page.locator(byTestId(testId)).click();
}

const byTestId = (testId: string) => `[data-testid="${testId}"]`;

const textOf = (page: AnyPage, testId: string) =>
  page
    .evaluate(selector => document.querySelector(selector)?.textContent?.trim() ?? '', byTestId(testId))
    // On its way to another page.
    .catch(() => '');

/** Waits until the element says so; the error shows what it said instead. */
export async function waitText(page: AnyPage, testId: string, pattern: RegExp, timeoutMs = 20_000): Promise<string> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const text = await textOf(page, testId);
    if (pattern.test(text)) return text;
    if (Date.now() > until) {
      const reason = await textOf(page, 'end-reason');
      throw new Error(`"${testId}" says "${text}", not ${pattern}; the reason says "${reason}".`);
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export interface Heard {
  hz: number;
  /** Strength of the strongest line over the median of the spectrum, in dB: high for a tone, low for noise. */
  prominenceDb: number;
}

/**
 * What the page's call receives: the strongest frequency of its remote stream, by FFT, at the end of `ms`.
 * Recorded first: Firefox runs no live AudioContext on a machine without a sound device.
 */
export function hear(page: AnyPage, ms = 1500): Promise<Heard> {
  return page.evaluate(async length => {
    const client = (
      globalThis as unknown as { lineside?: { client: { calls: Map<string, { remoteStream: MediaStream }> } } }
    ).lineside?.client;
    const [call] = [...(client?.calls.values() ?? [])];
    if (call === undefined) throw new Error('There is no call on the page.');
    const pause = () => new Promise(resolve => setTimeout(resolve, length));
    // A call that has just been answered has no sound yet, and nothing to record.
    if (!call.remoteStream.active) {
      await pause();
      return { hz: 0, prominenceDb: 0 };
    }
    // A picture would have to be coded too.
    const recorder = new MediaRecorder(new MediaStream(call.remoteStream.getAudioTracks()));
    const recorded = new Promise<Blob>(resolve => {
      recorder.ondataavailable = ({ data }) => resolve(data);
    });
    recorder.start();
    await pause();
    recorder.stop();
    const rate = 48_000;
    const packed = await (await recorded).arrayBuffer();
    // Of a stream that has not begun to sound there is nothing in it, or a head alone.
    const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(packed).catch(() => null);
    if (buffer === null) return { hz: 0, prominenceDb: 0 };
    const context = new OfflineAudioContext(1, buffer.length, rate);
    const analyser = new AnalyserNode(context, { fftSize: 16_384, smoothingTimeConstant: 0 });
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(analyser).connect(context.destination);
    source.start();
    await context.startRendering();
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(spectrum);
    const hz = rate / analyser.fftSize;
    let best = 0;
    for (let bin = 0; bin < spectrum.length; bin += 1)
      if ((spectrum[bin] ?? -999) > (spectrum[best] ?? -999)) best = bin;
    // Within the telephone's band: outside of it there is nothing to compare with.
    const band = [...spectrum.slice(Math.floor(300 / hz), Math.ceil(3400 / hz))].sort((a, b) => a - b);
    const strongest = spectrum[best] ?? Number.NEGATIVE_INFINITY;
    const median = band[Math.floor(band.length / 2)] ?? 0;
    return { hz: best * hz, prominenceDb: Number.isFinite(strongest) ? strongest - Math.max(median, -160) : 0 };
  }, ms);
}

/** Listens again until the tone is there or the time is over. */
export async function waitTone(page: AnyPage, hz: number, timeoutMs = 15_000): Promise<Heard> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const heard = await hear(page);
    if (Math.abs(heard.hz - hz) < 15 && heard.prominenceDb > 20) return heard;
    if (Date.now() > until) throw new Error(`Heard ${JSON.stringify(heard)}, not ${hz} Hz.`);
  }
}

/** What a page has decoded of a picture. */
interface DecodedVideo {
  frames: number;
  keyFrames: number;
  width: number;
  codec: string;
}

type Stats = Record<string, unknown>;

/** The statistics of the page's call. */
function statsOf(page: Page): Promise<Stats[]> {
  return page.evaluate(async () => {
    const { lineside } = globalThis as unknown as {
      lineside: { client: { calls: Map<string, { getStats(): Promise<Map<string, Stats>> }> } };
    };
    const [call] = [...lineside.client.calls.values()];
    return [...((await call?.getStats())?.values() ?? [])];
  });
}

const videoOf = (stats: readonly Stats[], type: 'inbound-rtp' | 'outbound-rtp') =>
  stats.find(entry => entry.type === type && entry.kind === 'video');

/** What the page's call has decoded of the other side's picture. */
async function decodedVideo(page: Page): Promise<DecodedVideo | null> {
  const stats = await statsOf(page);
  const video = videoOf(stats, 'inbound-rtp');
  if (video === undefined) return null;
  const codec = stats.find(entry => entry.id === video.codecId);
  return {
    frames: Number(video.framesDecoded ?? 0),
    keyFrames: Number(video.keyFramesDecoded ?? 0),
    width: Number(video.frameWidth ?? 0),
    codec: String(codec?.mimeType ?? ''),
  };
}

/** Bit rate that the page's encoder aims at for its own picture, kbit/s; NaN while it has none. */
export async function videoKbps(page: Page): Promise<number> {
  return Number(videoOf(await statsOf(page), 'outbound-rtp')?.targetBitrate) / 1000;
}

/** Waits until so many more pictures of the other side have been decoded. */
export async function waitPictures(page: Page, frames: number, timeoutMs = 15_000): Promise<DecodedVideo> {
  const until = Date.now() + timeoutMs;
  const first = await decodedVideo(page);
  for (;;) {
    const now = await decodedVideo(page);
    if (now !== null && now.frames >= (first?.frames ?? 0) + frames) return now;
    if (Date.now() > until) throw new Error(`Decoded ${JSON.stringify(now)}, at first ${JSON.stringify(first)}.`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
