/** CPU of SIP: parsers beside ours, and complete calls of our user agent beside a Kamailio that relays the same call. */
import { type BenchResult, type BenchRow, spread } from './bench.ts';
import { callRows } from './sip-call.ts';
import { hostileSubjects, parserSubjects, type Subject } from './sip-parsers.ts';
import { registerRows } from './sip-register.ts';

const REPEATS = Number(process.env.LINESIDE_BENCH_REPEATS ?? 5);
/** CPU spent on one subject in one repetition, us: long enough for the compiler, short enough to go round often. */
const SLICE_US = 200_000;
const WARM_US = 500_000;

export async function sipBench(): Promise<BenchResult[]> {
  return [
    {
      name: 'sip-message',
      method: `One IMS INVITE of about 1,300 bytes, from the bytes to 8 fields, ${REPEATS} times in turn; median (lowest-highest).`,
      rows: measured(await parserSubjects()),
    },
    {
      name: 'sip-hostile',
      method: `64 KiB made to cost as much as can be, read and refused, ${REPEATS} times in turn; median (lowest-highest).`,
      rows: measured(hostileSubjects()),
    },
    await callRows(REPEATS),
    await registerRows(REPEATS),
  ];
}

function measured(subjects: readonly Subject[]): BenchRow[] {
  for (const subject of subjects) costOf(subject, WARM_US);
  const runs = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
  for (let n = 0; n < REPEATS; n += 1) {
    for (const subject of subjects) runs.get(subject.name)?.push(costOf(subject, SLICE_US));
  }
  return [...runs].map(([subject, costs]) => ({ subject, figures: { 'CPU us/message': spread(costs) } }));
}

/** CPU of one run, us. */
function costOf(subject: Subject, budgetUs: number): number {
  const start = cpuUs();
  let spent = 0;
  let done = 0;
  while (spent < budgetUs) {
    for (let i = 0; i < 20; i += 1) if (subject.run() === undefined) throw new Error(`${subject.name} gave nothing`);
    done += 20;
    spent = cpuUs() - start;
  }
  return spent / done;
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
