/** `--dry-run`: what a number would say to the core, as text, with nothing sent. */
import { randomBytes } from 'node:crypto';
import type { Settings } from './config/settings.ts';
import { type E164, E164_PATTERN } from './ep-cscf/ids.ts';
import { dryRun } from './mw/dry-run.ts';
import { createIds } from './runtime/ids.ts';
import { silentLog } from './runtime/log.ts';

/** The messages with where each would go. Rejects with one sentence for a number that is none, or an entry that cannot be found. */
export async function dryRunText(settings: Settings, number: string): Promise<string> {
  if (!E164_PATTERN.test(number)) throw new Error(`--dry-run takes a number such as +15550100001, not "${number}".`);
  const { realm, messages } = await dryRun({
    settings,
    ids: createIds(randomBytes),
    log: silentLog,
    number: number as E164,
    to: number as E164,
  });
  const shown = messages.map(
    ({ target, text, when }) =>
      `--- ${when === null ? '' : `${when}, `}to ${target.host}:${target.port} by ${target.transport}\n${text.replaceAll('\r\n', '\n').trimEnd()}\n`,
  );
  const note = shown.some(text => text.includes('\nREGISTER '))
    ? 'Service-Route, nonce and the description of media are stand-ins.\n'
    : 'A trunk registers no numbers.\n';
  return `Realm ${realm}\n\n${shown.join('\n')}\n${note}`;
}
