/** A page with JsSIP that registers by SIP over WebSocket: a user agent of others, in a browser of others. */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { build, type Rolldown } from 'vite';
import { DOMAIN } from '../../sandbox/subscribers.ts';
import { fetchToken } from '../../sandbox/token.ts';
import type { Stage } from './browser-support.ts';

/** One script of `jssip-agent.ts` and of what it needs. */
async function bundle(): Promise<string> {
  const input = join(import.meta.dirname, 'jssip-agent.ts');
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, rolldownOptions: { input, output: { format: 'iife' } } },
  });
  return (built as Rolldown.RolldownOutput).output[0].code;
}

interface AgentPage {
  jssip: Record<Wish, () => void> & {
    story: string[];
    start(url: string, uri: string, token: string, instance: string): void;
    call(target: string): void;
  };
}

/** A page on the gateway's own origin whose JsSIP has registered the number. */
export async function openJsSip(stage: Stage, number: string): Promise<Page> {
  const page = await (await stage.profile()).newPage();
  const { pages, issuer } = stage.sandbox;
  const token = await fetchToken(['--number', number], issuer);
  if (!token.ok) throw new Error(token.sentence);
  // What the gateway answers there is no page of its own, and has no rules for scripts.
  await page.goto(`${pages}/agent`);
  await page.addScriptTag({ content: await bundle() });
  const socket = `${pages.replace(/^http/, 'ws')}/sip`;
  await page.evaluate(
    ([url, uri, shown]) =>
      (globalThis as unknown as AgentPage).jssip.start(url, uri, shown, '3f2504e0-4f89-41d3-9a0c-0305e82c3302'),
    [socket, `sip:${number}@${DOMAIN}`, token.token] as const,
  );
  await waitStory(page, /registered$/);
  return page;
}

/** What has happened so far, in JsSIP's words; waits until it ends so. */
export async function waitStory(page: Page, pattern: RegExp): Promise<string> {
  const until = Date.now() + 20_000;
  for (;;) {
    const story = await page.evaluate(() => (globalThis as unknown as AgentPage).jssip.story.join(', '));
    if (pattern.test(story)) return story;
    if (Date.now() > until) throw new Error(`JsSIP tells "${story}", not ${pattern}.`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

export type Wish = 'answer' | 'hold' | 'unhold' | 'terminate' | 'stop';

export async function agentDo(page: Page, wish: Wish): Promise<void> {
  await page.evaluate(what => (globalThis as unknown as AgentPage).jssip[what](), wish);
}

export async function agentCall(page: Page, number: string): Promise<void> {
  await page.evaluate(target => (globalThis as unknown as AgentPage).jssip.call(target), number);
}
