/** `--dry-run`: what a number would say to the core, as text, with nothing sent. */
import { randomBytes } from 'node:crypto';
import type { Settings } from './config/settings.ts';
import { identityOf } from './ep-cscf/identity.ts';
import { type E164, E164_PATTERN } from './ep-cscf/ids.ts';
import { coreSettingsOf } from './gateway-settings.ts';
import { dryRun } from './mw/dry-run.ts';
import { createIds } from './runtime/ids.ts';
import { silentLog } from './runtime/log.ts';

/** The messages with where each would go. Rejects with one sentence for a number that is none, or an entry that cannot be found. */
export async function dryRunText(settings: Settings, number: string): Promise<string> {
  if (!E164_PATTERN.test(number)) throw new Error(`--dry-run takes a number such as +15550100001, not "${number}".`);
  const messages = await dryRun({
    settings,
    ids: createIds(randomBytes),
    log: silentLog,
    number: number as E164,
    identity: identityOf(number as E164, coreSettingsOf(settings).identity),
    to: number as E164,
  });
  const shown = messages.map(
    ({ target, text }) =>
      `--- to ${target.host}:${target.port} by ${target.transport}\n${text.replaceAll('\r\n', '\n').trimEnd()}\n`,
  );
  const note =
    settings.ims.mode === 'trunk'
      ? 'A trunk registers nothing.\n'
      : 'The Route of the INVITE is what the core gives as Service-Route; a stand-in is shown.\n';
  return `${shown.join('\n')}\n${note}`;
}
