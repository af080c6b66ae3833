/** Processes in the background, known by a file with their id, ended by that id and by nothing else. */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const END_MS = 5000;
const LOOK_MS = 50;

/** How long a process runs: until it is ended, or no longer than the process that starts it, however that ends. */
export type Life = 'own' | 'ours';

/** Starts a process in a group of its own; its output goes to NAME.log, its id to NAME.pid in the folder. */
export function startProcess(
  folder: string,
  name: string,
  [command, ...args]: readonly [string, ...string[]],
  life: Life,
): void {
  const log = openSync(join(folder, `${name}.log`), 'a');
  const [program, given] = life === 'own' ? [command, args] : ['setpriv', ['--pdeathsig=TERM', command, ...args]];
  const child = spawn(program, given, { detached: true, stdio: ['ignore', log, log] });
  child.on('error', () => {});
  if (child.pid === undefined) throw new Error(`${command} cannot be started.`);
  writeFileSync(join(folder, `${name}.pid`), String(child.pid));
  child.unref();
}

/** Id of the process the folder names, or null when it has ended. A process that took over the number is not ours. */
export function processOf(folder: string, name: string): number | null {
  const file = join(folder, `${name}.pid`);
  if (!existsSync(file)) return null;
  const pid = Number(readFileSync(file, 'utf8'));
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.charAt(0);
    // A process that becomes another program (exec) has no command line for a moment.
    const isOurs = commandLine === '' || commandLine.includes(folder);
    return isOurs && state !== 'Z' ? pid : null;
  } catch {
    return null;
  }
}

/** Ends it with SIGTERM, after 5 s its whole group with SIGKILL. */
export async function endProcess(folder: string, name: string): Promise<void> {
  const pid = processOf(folder, name);
  if (pid !== null) {
    signal(pid, 'SIGTERM');
    const until = Date.now() + END_MS;
    while (processOf(folder, name) !== null && Date.now() < until) await sleep(LOOK_MS);
    if (processOf(folder, name) !== null) signal(-pid, 'SIGKILL');
  }
  rmSync(join(folder, `${name}.pid`), { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
