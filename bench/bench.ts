/** What a bench gives back, and how it is shown. */

export interface BenchRow {
  /** What was measured; the rows of one bench ran in turn, on the same machine, within minutes. */
  subject: string;
  /** Median, lowest and highest of the repetitions; the unit stands in the name. */
  figures: Record<string, { median: number; min: number; max: number }>;
}

export interface BenchResult {
  name: string;
  /** How it was measured, in one sentence. */
  method: string;
  rows: BenchRow[];
  /** Some rows were left out on purpose: it is shown, and not written in place of a whole one. */
  partial?: boolean;
}

/** Numbers of a setting of the benches, separated by commas. Throws an Error of one sentence when one is no positive number. */
export function numbersOf(name: string, fallback: readonly number[]): readonly number[] {
  const text = process.env[name];
  if (text === undefined) return fallback;
  const numbers = text.split(',').map(Number);
  if (!numbers.every(number => number > 0)) throw new Error(`${name} takes positive numbers, not "${text}".`);
  return numbers;
}

/** Median (of an even number the mean of the two in the middle), lowest and highest of one figure. Throws RangeError without a value. */
export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  const upper = sorted[Math.floor(sorted.length / 2)];
  const [min] = sorted;
  const max = sorted.at(-1);
  if (lower === undefined || upper === undefined || min === undefined || max === undefined)
    throw new RangeError('no value was measured');
  return { median: (lower + upper) / 2, min, max };
}

/** The row of a subject that was measured several times; every run gives the same figures. */
export function rowOf(subject: string, runs: ReadonlyArray<Record<string, number>>): BenchRow {
  const names = Object.keys(runs[0] ?? {});
  const figures = names.map(name => [name, spread(runs.map(run => run[name] ?? Number.NaN))]);
  return { subject, figures: Object.fromEntries(figures) };
}

export function table(result: BenchResult): string {
  const names = Object.keys(result.rows[0]?.figures ?? {});
  const cell = (f: { median: number; min: number; max: number } | undefined) =>
    f === undefined ? '' : `${round(f.median)} (${round(f.min)}-${round(f.max)})`;
  const lines = [
    [result.name, ...names],
    ...result.rows.map(row => [row.subject, ...names.map(name => cell(row.figures[name]))]),
  ];
  const widths = [...(lines[0] ?? [])].map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0)));
  return lines.map(line => line.map((text, i) => text.padEnd(widths[i] ?? 0)).join('  ')).join('\n');
}

const round = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
