/** Which versions of rtpengine may carry calls: those without the fault by which strangers take over media (CVE-2025-53399). */

/** Releases that have the correction, as upstream counts (11.5.1.41, 13.4.1.1) and everything above the last. */
const CORRECTED: ReadonlyArray<{ line: readonly number[]; from: readonly number[] }> = [
  { line: [11, 5, 1], from: [11, 5, 1, 41] },
  { line: [], from: [13, 4, 1, 1] },
];
/** Debian corrects the version it has. */
const DEBIAN = /^rtpengine-10-5-3-5-1-deb12u(\d+)/;
const UPSTREAM = /^rtpengine-(\d+)-(\d+)-(\d+)-(\d+)/;

/** Null when a daemon that calls itself `software` may be used; else why not, as the rest of a sentence. `vouched`: names the operator answers for. */
export function versionFault(software: string | null, vouched: readonly string[]): string | null {
  if (software === null) return 'does not tell its version';
  if (vouched.includes(software) || Number(DEBIAN.exec(software)?.[1] ?? 0) >= 1) return null;
  const found = UPSTREAM.exec(software);
  if (found === null)
    return `calls itself "${software}", which tells no version; if it is sound, list that name in rtpengine.versions`;
  const numbers = found.slice(1).map(Number);
  const sound = CORRECTED.some(
    ({ line, from }) => line.every((part, i) => numbers[i] === part) && compare(numbers, from) >= 0,
  );
  return sound ? null : `is ${software}, which strangers can take media from (CVE-2025-53399)`;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, part] of b.entries()) if ((a[i] ?? 0) !== part) return (a[i] ?? 0) - part;
  return 0;
}
