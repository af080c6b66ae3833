/** Small JSON requests to the identity provider: bounded in time and size, faults are values. */
import { request } from 'undici';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 1_048_576;

export type JsonReply = { ok: true; status: number; body: Record<string, unknown> } | { ok: false; fault: string };

/** GET, or POST of a form when `form` is given. `fault` is a word for the log: a system code, "size", "json". */
export async function requestJson(
  url: string,
  options: { form?: URLSearchParams; authorization?: string } = {},
): Promise<JsonReply> {
  try {
    const { statusCode, body } = await request(url, {
      method: options.form === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(options.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
      },
      body: options.form?.toString() ?? null,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal: AbortSignal.timeout(2 * TIMEOUT_MS),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body) {
      size += (chunk as Buffer).length;
      if (size > MAX_BYTES) {
        body.destroy();
        return { ok: false, fault: 'size' };
      }
      chunks.push(chunk as Buffer);
    }
    return parse(statusCode, Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    return { ok: false, fault: (error as NodeJS.ErrnoException).code ?? (error as Error).name };
  }
}

function parse(status: number, text: string): JsonReply {
  if (text === '') return { ok: true, status, body: {} };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ok: true, status, body: value as Record<string, unknown> };
    }
  } catch {
    // Told below: whatever it was, it is not JSON we can use.
  }
  return { ok: false, fault: 'json' };
}
