/** The steps of a sign-in at the demo operator: show the page, check the choice, go on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { errorPage, policyOf, signInPage } from './sign-in-page.ts';
import { type Subscriber, subscriberByNumber } from './subscriber.ts';

const PATH = /^\/interaction\/([A-Za-z0-9_-]{1,64})$/;
const MAX_FORM_BYTES = 4096;

/** Takes the requests below /interaction; false: not ours. `formTargets` as in `policyOf`. */
export function interactionHandler(provider: Provider, formTargets: readonly string[]) {
  const policy = policyOf(formTargets);

  function send(response: ServerResponse, status: number, html: string): void {
    response.writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    response.end(html);
  }

  async function answer(uid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const details = await provider.interactionDetails(request, response);
    if (details.uid !== uid) return send(response, 400, errorPage('This sign-in belongs to another window.'));
    if (request.method === 'GET') return send(response, 200, signInPage(uid, null));
    if (request.method !== 'POST') return send(response, 405, errorPage('This cannot be done here.'));
    const form = await readForm(request);
    if (form === null) return send(response, 400, errorPage('The form could not be read.'));
    const subscriber = chosen(form);
    if (subscriber === undefined) return send(response, 200, signInPage(uid, 'Number and PIN do not fit together.'));
    await provider.interactionFinished(request, response, {
      login: { accountId: subscriber.subject, remember: false, amr: ['pwd'] },
    });
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const uid = PATH.exec(request.url ?? '')?.[1];
    if (uid === undefined) return false;
    answer(uid, request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else
        send(response, 400, errorPage('This sign-in is over or unknown. Go back to the application and start again.'));
    });
    return true;
  };
}

function chosen(form: URLSearchParams): Subscriber | undefined {
  const subscriber = subscriberByNumber((form.get('number') ?? '').replace(/[^+\d]/g, ''));
  if (subscriber === undefined) return undefined;
  return form.get('choice') === '1' || form.get('pin') === subscriber.pin ? subscriber : undefined;
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_FORM_BYTES) return null;
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
