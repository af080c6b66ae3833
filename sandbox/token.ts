/** `npm run -s token`: prints an access token of the sandbox's identity provider, alone on standard output. */
import { parseArgs } from 'node:util';
import { demoClients, SANDBOX_GRANT, subscriberByNumber } from './identity/subscriber.ts';

const USAGE =
  'Usage: npm run -s token -- --number +15550100001 [--client demo|other] [--scope "..."] [--ttl SECONDS] [--audience NAME] [--two-legged]';

/** Asks the provider at `issuer` for the token the arguments name. The sentence says what is wrong, in plain words. */
export async function fetchToken(
  args: readonly string[],
  issuer: string,
): Promise<{ ok: true; token: string } | { ok: false; sentence: string }> {
  const read = readArguments(args);
  if (!read.ok) return read;
  const { client, form } = read;
  try {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client}:${demoClients[client]}`)}` },
      body: form,
      signal: AbortSignal.timeout(5000),
    });
    const body = (await response.json()) as Record<string, unknown>;
    if (typeof body['access_token'] === 'string') return { ok: true, token: body['access_token'] };
    return refused(`The identity provider refuses: ${String(body['error_description'] ?? body['error'])}.`);
  } catch {
    return refused(`The sandbox is not up at ${issuer}; start it with npm start.`);
  }
}

function readArguments(
  args: readonly string[],
): { ok: true; client: string; form: URLSearchParams } | { ok: false; sentence: string } {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch {
    return refused(USAGE);
  }
  const { number, client = 'demo', scope, ttl, audience } = values;
  const twoLegged = values['two-legged'] === true;
  if (!Object.hasOwn(demoClients, client)) return refused('--client must be demo or other.');
  if (ttl !== undefined && !/^-?\d{1,6}$/.test(ttl)) return refused('--ttl must be a whole number of seconds.');
  if (number === undefined && !twoLegged) return refused(USAGE);
  if (number !== undefined && subscriberByNumber(number) === undefined) {
    return refused('--number must be a subscriber of the sandbox, +15550100001 to +15550100005.');
  }
  const form = new URLSearchParams({ grant_type: SANDBOX_GRANT });
  for (const [name, value] of Object.entries({ number, scope, ttl, audience })) {
    if (value !== undefined) form.set(name, value);
  }
  if (twoLegged) form.set('two_legged', 'true');
  return { ok: true, client, form };
}

function parse(args: readonly string[]) {
  return parseArgs({
    // parseArgs takes "--ttl -60" for two options; "--ttl=-60" says what is meant.
    args: args.flatMap((arg, index) =>
      arg === '--ttl' ? [`--ttl=${args[index + 1] ?? ''}`] : args[index - 1] === '--ttl' ? [] : [arg],
    ),
    options: {
      number: { type: 'string' },
      client: { type: 'string' },
      scope: { type: 'string' },
      ttl: { type: 'string' },
      audience: { type: 'string' },
      'two-legged': { type: 'boolean' },
    },
  }).values;
}

function refused(sentence: string): { ok: false; sentence: string } {
  return { ok: false, sentence };
}

if (import.meta.main) {
  // A second sandbox, as tests start one, lives on a loopback address of its own.
  const host = process.env['LINESIDE_TEST_HOST'] ?? '127.0.0.1';
  const result = await fetchToken(process.argv.slice(2), `http://${host}:9092`);
  if (result.ok) console.log(result.token);
  else {
    console.error(result.sentence);
    process.exitCode = 1;
  }
}
