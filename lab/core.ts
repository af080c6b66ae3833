/** The lab's IMS core: HSS, S-CSCF, I-CSCF and access proxy as processes, up within seconds, down without a trace. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeConfiguration } from './kamailio.ts';
import { endProcess, type Life, processOf, startProcess } from './process.ts';
import { HOME_DOMAIN, type LabOptions, type LabPart, PARTS, PORTS } from './settings.ts';
import { sipPing } from './sip-ping.ts';

export interface LabCore {
  /** Starts one part that was stopped and waits until it works. */
  start(part: LabPart): Promise<void>;
  /** Ends one part. */
  stop(part: LabPart): Promise<void>;
  /** Has this CSCF its Diameter link to the HSS? */
  attached(part: 'icscf' | 'scscf'): Promise<boolean>;
  /** Takes a number out of the network by the HSS; true when the S-CSCF agreed. */
  removeByNetwork(number: string): Promise<boolean>;
  /** What the HSS holds of a number. */
  subscriber(number: string): Promise<{ state: string; serverName: string; registeredImpis: string[] }>;
  /** Ends what is left. */
  close(): Promise<void>;
}

const READY_MS = 10_000;
const LOOK_MS = 100;
/** Shared memory of a CSCF, MiB. */
const SHARED_MIB = '64';

/** Starts every part. Rejects with one sentence, and with nothing left running, when one does not come up. */
export async function startCore(options: LabOptions): Promise<LabCore> {
  const { folder, address, life } = options;
  if (!existsSync('/usr/sbin/kamailio')) {
    throw new Error('Kamailio is missing: install kamailio, kamailio-ims-modules and kamailio-presence-modules.');
  }
  const running = PARTS.filter(part => processOf(folder, part) !== null);
  if (running.length > 0) throw new Error(`The lab is up already out of ${folder}: ${running.join(', ')}.`);
  mkdirSync(folder, { recursive: true });
  for (const part of PARTS) rmSync(join(folder, `${part}.log`), { force: true });
  writeConfiguration(options);
  const control = `http://${address}:${PORTS.hssControl}`;

  async function start(part: LabPart): Promise<void> {
    if (part === 'hss') startProcess(folder, part, [process.execPath, ...hssArguments(options)], life);
    else startKamailio(folder, part, life);
    await ready(part);
  }

  async function ready(part: LabPart): Promise<void> {
    const until = Date.now() + READY_MS;
    while (!(await works(part))) {
      if (processOf(folder, part) === null) throw new Error(`${part} has ended: ${lastWords(folder, part)}`);
      if (Date.now() > until) throw new Error(`${part} was not ready in time: ${lastWords(folder, part)}`);
      await sleep(LOOK_MS);
    }
  }

  async function works(part: LabPart): Promise<boolean> {
    if (part === 'hss') return (await diameterPeers()) !== null;
    if (part !== 'pcscf' && !(await attached(part))) return false;
    return sipPing(address, PORTS[part]);
  }

  async function attached(part: 'icscf' | 'scscf'): Promise<boolean> {
    return (await diameterPeers())?.includes(`${part}.${HOME_DOMAIN}`) === true;
  }

  function diameterPeers(): Promise<string[] | null> {
    return fetch(`${control}/peers`)
      .then(answer => answer.json() as Promise<string[]>)
      .catch(() => null);
  }

  const about = (number: string) => `impu=${encodeURIComponent(`sip:${number}@${HOME_DOMAIN}`)}`;
  const core: LabCore = {
    start,
    stop: part => endProcess(folder, part),
    attached,
    async removeByNetwork(number) {
      const answer = await fetch(`${control}/rtr?${about(number)}`, { method: 'POST' });
      return ((await answer.json()) as { result?: number }).result === 2001;
    },
    subscriber: async number =>
      (await (await fetch(`${control}/subscriber?${about(number)}`)).json()) as Awaited<
        ReturnType<LabCore['subscriber']>
      >,
    close: () => stopCore(folder),
  };
  try {
    for (const part of PARTS) await start(part);
  } catch (error) {
    await core.close();
    throw error;
  }
  return core;
}

/** Ends what was started out of this folder. */
export async function stopCore(folder: string): Promise<void> {
  for (const part of [...PARTS].reverse()) await endProcess(folder, part);
}

function hssArguments({ folder, address }: LabOptions): string[] {
  return [
    join(import.meta.dirname, 'hss', 'main.ts'),
    ...['--run', folder, '--address', address, '--home', HOME_DOMAIN],
    ...['--diameter', String(PORTS.hss), '--control', String(PORTS.hssControl)],
  ];
}

function startKamailio(folder: string, part: LabPart, life: Life): void {
  const file = join(folder, `${part}.cfg`);
  const checked = spawnSync('kamailio', ['-c', '-f', file], { encoding: 'utf8' });
  if (checked.status !== 0) throw new Error(`Kamailio refuses ${file}: ${checked.stderr.trim().slice(-500)}`);
  const memory = ['-m', SHARED_MIB, '-M', '8'];
  startProcess(folder, part, ['kamailio', '-f', file, '-DD', '-E', ...memory, '-Y', folder, '-w', folder], life);
}

function lastWords(folder: string, part: LabPart): string {
  const file = join(folder, `${part}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().slice(-800) : 'it wrote no log';
}
