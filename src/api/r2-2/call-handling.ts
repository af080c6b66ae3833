/** webrtc-call-handling v0.3 (CAMARA r2.2) over the same core. CAMARA digest 9, 7.4. */
import { type CallHandlingParts, callHandlingApi } from '../call-handling.ts';
import type { JsonObject } from '../json.ts';
import { type Answer, type Api, type Call, invalid, type Operation } from '../operation.ts';
import type { Refusal } from '../ports.ts';
import { mediaSessionCreateV03, mediaSessionInformation, mediaSessionStatusV03 } from '../schemas/r2-2.ts';
import { loosen, operationNamed, pick } from './loosen.ts';

type Parts = CallHandlingParts & { basePaths: readonly string[] };

const PARTIES = ['originatorAddress', 'originatorName', 'receiverAddress', 'receiverName'];
const CORRELATOR_LIMIT = 256;
/** How long a correlator names the call it made, in ms, and how many are remembered. */
const REMEMBERED_MS = 86_400_000;
const REMEMBERED = 10_000;

interface Made {
  at: number;
  correlator: string;
  answer: Promise<Answer | Refusal>;
}

export function callHandlingV03(parts: Parts): Api {
  const today = callHandlingApi(parts);
  const named = (id: string) => operationNamed(today.operations, id);
  const read = named('getSessionDetailsById');
  const made = new Map<string, Made>();
  /** Correlators by session, to be shown with it. */
  const shown = new Map<string, string>();
  const show = (operation: Operation): Operation => ({
    ...operation,
    success: { ...operation.success, schema: mediaSessionInformation },
    run: async call => oldForm(await operation.run(call), shown),
  });
  const create = loosen(named('createSession'), mediaSessionCreateV03, body => ({
    ...pick(body, PARTIES),
    ...descriptions(body, ['offer']),
  }));
  return {
    ...today,
    version: '0.3.0',
    basePaths: parts.basePaths,
    operations: [
      once(create, read, made, shown),
      show(read),
      show(loosen(named('updateSessionStatus'), mediaSessionStatusV03, statusOf)),
      named('deleteSessionById'),
    ],
  };
}

/** A correlator that the same caller has used in the last day names the call that was made then: no second one. Kept in memory only. */
function once(create: Operation, read: Operation, made: Map<string, Made>, shown: Map<string, string>): Operation {
  return {
    ...create,
    success: { ...create.success, schema: mediaSessionInformation },
    async run(call) {
      const correlator = call.body?.['clientCorrelator'];
      if (correlator === undefined) return oldForm(await create.run(call), shown);
      if (typeof correlator !== 'string' || correlator.length > CORRELATOR_LIMIT) {
        return invalid('The value of "clientCorrelator" cannot be used.');
      }
      const { clientId, subject, number, legs } = call.who;
      const key = JSON.stringify([clientId, subject, number, legs, correlator]);
      forget(made, call.now);
      const before = made.get(key);
      if (before !== undefined) return again(before, read, call, shown);
      const answer = Promise.resolve(create.run(call)).then(said => {
        if (said.ok) remember(shown, idOf(said), correlator);
        else made.delete(key);
        return oldForm(said, shown);
      });
      made.set(key, { at: call.now, correlator, answer });
      return answer;
    },
  };
}

/** The call as it is now; when it has ended, the answer that was given for it. */
async function again({ answer }: Made, read: Operation, call: Call, shown: Map<string, string>) {
  const first = await answer;
  if (!first.ok) return first;
  const now = oldForm(await read.run({ ...call, params: { mediaSessionId: idOf(first) } }), shown);
  return now.ok ? { ...first, body: now.body } : first;
}

function forget(made: Map<string, Made>, now: number): void {
  for (const [key, { at }] of made) {
    if (made.size < REMEMBERED && at > now - REMEMBERED_MS) return;
    made.delete(key);
  }
}

function remember(shown: Map<string, string>, id: string, correlator: string): void {
  for (const oldest of shown.keys()) {
    if (shown.size < REMEMBERED) break;
    shown.delete(oldest);
  }
  shown.set(id, correlator);
}

function idOf(answer: Answer): string {
  return (answer.body as { mediaSessionId: string }).mediaSessionId;
}

/** Without what this line does not know, with the correlator it does. */
function oldForm(said: Answer | Refusal, shown: ReadonlyMap<string, string>): Answer | Refusal {
  if (!said.ok || typeof said.body !== 'object') return said;
  const { callType: _, locationDetails: __, ...body } = said.body as Record<string, unknown>;
  const clientCorrelator = shown.get(String(body['mediaSessionId']));
  return { ...said, body: clientCorrelator === undefined ? body : { ...body, clientCorrelator } };
}

/** `Ringing` with an offer: older figures put the callee's first description under that name. */
function statusOf(body: JsonObject): JsonObject {
  const found = descriptions(body, ['offer', 'answer']);
  const { offer, ...rest } = found;
  const early = body['status'] === 'Ringing' && offer !== undefined && found['answer'] === undefined;
  return { ...pick(body, ['status']), ...(early ? { ...rest, answer: offer } : found) };
}

/** Of descriptions only the SDP counts. */
function descriptions(body: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(pick(body, names)).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null && !Array.isArray(value) ? pick(value as JsonObject, ['sdp']) : value,
    ]),
  );
}
