/** Visitor tokens of click to call: given to the business, or to a page for work. CAMARA digest 11b. */
import type { EntryPoint } from '../ep-cscf/visitor-word.ts';
import { addressKey, createRateLimit, type RateLimit } from '../runtime/rate-limit.ts';
import { businessOnly, type ClickToCallParts, originOf } from './click-to-call-parts.ts';
import { formatDateTime } from './date-time.ts';
import { type Answer, type Call, notFound, type Operation } from './operation.ts';
import type { Refusal } from './ports.ts';
import {
  type PublicTokenRequest,
  publicEntryPoint,
  publicTokenRequest,
  type VisitorTokenRequest,
  visitorToken,
  visitorTokenRequest,
} from './schemas/click-to-call.ts';
import { compile } from './validator.ts';

const checkRequest = compile(visitorTokenRequest);
const checkPublicRequest = compile(publicTokenRequest);

export function visitorTokenOperations(parts: ClickToCallParts): Operation[] {
  const { tokensPerAddress } = parts.settings.clickToCall;
  const perAddress = createRateLimit(tokensPerAddress / 60, tokensPerAddress);
  return [forBusiness(parts), show(parts), forPage(parts, perAddress)];
}

function forBusiness(parts: ClickToCallParts): Operation {
  return {
    id: 'createVisitorToken',
    method: 'POST',
    path: '/visitor-tokens',
    summary: 'Gives a token for a visitor of the business.',
    description: 'The back end of the business decides who calls; no proof of work is asked for.',
    scopes: ['webrtc-click-to-call:visitor-tokens:create'],
    body: { required: true, schema: visitorTokenRequest, check: checkRequest },
    success: { status: 201, description: 'The token.', schema: visitorToken },
    errors: ['not-found', 'entry-point-closed'],
    agree: businessOnly,
    async run({ who, body, now }) {
      const { entryPointId, visitorRef } = body as unknown as VisitorTokenRequest;
      const found = parts.entryPoints.find(entryPointId);
      if (found?.clientId !== who.clientId) return notFound;
      return give(parts, found, now, null, visitorRef ?? null);
    },
  };
}

function show(parts: ClickToCallParts): Operation {
  return {
    id: 'getPublicEntryPoint',
    method: 'GET',
    path: '/public/entry-points/{entryPointId}',
    summary: 'Tells a page whether visitors may call, and what a token costs.',
    description: 'For pages of the entry point’s origins.',
    scopes: [],
    origins: params => originsOf(parts, params),
    success: { status: 200, description: 'What the page needs to know.', schema: publicEntryPoint },
    errors: ['not-found', 'origin-refused'],
    run(call) {
      const found = atOrigin(parts, call);
      if ('ok' in found) return found;
      const { entryPoint, origin } = found;
      const opening = parts.entryPoints.opening(entryPoint, call.now);
      const { displayName } = entryPoint;
      return {
        ok: true,
        status: 200,
        body: {
          displayName,
          open: opening.open,
          ...(opening.open || opening.opensAt === null ? {} : { opensAt: formatDateTime(opening.opensAt) }),
          proof: wantsWork(entryPoint) ? workFor(parts, entryPoint, origin, call) : { type: 'none' },
        },
      };
    },
  };
}

function workFor({ work }: ClickToCallParts, { entryPointId }: EntryPoint, origin: string, { address }: Call) {
  const { expiresAt, ...wanted } = work.challenge(entryPointId, origin, addressKey(address));
  return { type: 'work', algorithm: 'SHA-256', ...wanted, expiresAt: formatDateTime(expiresAt) };
}

function forPage(parts: ClickToCallParts, perAddress: RateLimit): Operation {
  return {
    id: 'createPublicVisitorToken',
    method: 'POST',
    path: '/public/entry-points/{entryPointId}/visitor-tokens',
    summary: 'Gives a token to a page.',
    description: 'For pages of the entry point’s origins that have no back end. The token is good for that origin.',
    scopes: [],
    origins: params => originsOf(parts, params),
    body: { required: true, schema: publicTokenRequest, check: checkPublicRequest },
    success: { status: 201, description: 'The token.', schema: visitorToken },
    errors: [
      'invalid-argument',
      'not-found',
      'origin-refused',
      'public-tokens-off',
      'entry-point-closed',
      'proof-refused',
      'too-many-requests',
    ],
    async run(call) {
      const answer = await pay(parts, perAddress, call);
      if (!answer.ok) parts.count('visitor_tokens_total', { outcome: answer.error });
      return answer;
    },
  };
}

/** Cheap reasons to refuse come first; a challenge that was solved is not used up for any of them. */
async function pay(parts: ClickToCallParts, perAddress: RateLimit, call: Call): Promise<Answer | Refusal> {
  const found = atOrigin(parts, call);
  if ('ok' in found) return found;
  const { entryPoint, origin } = found;
  if (entryPoint.publicTokens === false) return { ok: false, error: 'public-tokens-off' };
  const wait = perAddress.take(addressKey(call.address), call.now);
  if (wait > 0) return { ok: false, error: 'too-many-requests', retryAfterS: Math.ceil(wait / 1000) };
  if (!parts.entryPoints.opening(entryPoint, call.now).open) return { ok: false, error: 'entry-point-closed' };
  const { proof } = call.body as unknown as PublicTokenRequest;
  const paid = proof !== undefined && parts.work.accept(proof, entryPoint.entryPointId, origin);
  if (wantsWork(entryPoint) && !paid) return { ok: false, error: 'proof-refused' };
  return give(parts, entryPoint, call.now, origin, null);
}

async function give(
  parts: ClickToCallParts,
  entryPoint: EntryPoint,
  now: number,
  origin: string | null,
  reference: string | null,
): Promise<Answer | Refusal> {
  if (!parts.entryPoints.opening(entryPoint, now).open) return { ok: false, error: 'entry-point-closed' };
  const { clientId, entryPointId } = entryPoint;
  const { token, startBy } = await parts.visitorTokens.issue({ clientId, entryPointId, origin, reference });
  parts.count('visitor_tokens_total', { outcome: 'given' });
  const body = { visitorToken: token, expiresAt: formatDateTime(startBy) };
  return { ok: true, status: 201, body, location: '/calls' };
}

function wantsWork({ proof }: EntryPoint): boolean {
  return proof !== 'none';
}

function originsOf({ entryPoints }: ClickToCallParts, params: Readonly<Record<string, string>>): readonly string[] {
  return entryPoints.find(params['entryPointId'] ?? '')?.allowedOrigins ?? [];
}

function atOrigin(parts: ClickToCallParts, call: Call): { entryPoint: EntryPoint; origin: string } | Refusal {
  const entryPoint = parts.entryPoints.find(call.params['entryPointId'] ?? '');
  if (entryPoint === null) return notFound;
  const origin = originOf(parts, call);
  const allowed = origin !== null && entryPoint.allowedOrigins.includes(origin);
  return allowed ? { entryPoint, origin } : { ok: false, error: 'origin-refused' };
}
