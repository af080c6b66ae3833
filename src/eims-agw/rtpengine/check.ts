/** What an operator may want to know of the daemons before a start. */
import type { EngineCheck } from '../engine.ts';
import type { Clock, CodecName } from '../settings.ts';
import { codecName } from '../speech-codec.ts';
import type { Daemon } from './daemon.ts';
import type { Probed } from './probe.ts';

/** All are asked at once, and none is waited for longer, ms. */
const CHECK_MS = 2_000;
const LATE: Probed = { ok: false, silent: true, fault: 'does not answer' };

/** Asks all daemons once. `wanted`: codecs of the IMS side that calls are to have. */
export async function checkDaemons(
  daemons: ReadonlyArray<Pick<Daemon, 'name' | 'examine'>>,
  wanted: readonly CodecName[],
  clock: Clock,
): Promise<EngineCheck> {
  const found = await Promise.all(
    daemons.map(async daemon => ({ name: daemon.name, probed: await inTime(daemon.examine(), clock) })),
  );
  const faults: string[] = [];
  const notes: string[] = [];
  for (const { name, probed } of found) {
    if (!probed.ok) {
      faults.push(`The rtpengine ${name} ${probed.fault}.`);
      continue;
    }
    const lacking = wanted.filter(codec => !probed.formats.some(format => codecName(format) === codec));
    if (probed.unplayable.length > 0)
      notes.push(`The rtpengine ${name} cannot play ${probed.unplayable.join(', ')}: the files lie on its host.`);
    if (lacking.length > 0)
      notes.push(`The rtpengine ${name} cannot code ${lacking.join(', ')}: see docs/rtpengine.md.`);
  }
  return { faults, notes };
}

function inTime(examined: Promise<Probed>, clock: Clock): Promise<Probed> {
  return new Promise(resolve => {
    const cancel = clock.after(CHECK_MS, () => resolve(LATE));
    void examined.then(probed => {
      cancel();
      resolve(probed);
    });
  });
}
