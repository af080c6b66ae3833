/** Whether two SDP texts say the same but for what gathering candidates changes in them. */
import { parseLines, type SdpLine } from './lines.ts';

/**
 * True when `a` and `b` are equal after dropping candidate and end-of-candidates lines, the m-line ports, and the
 * `c=` and `a=rtcp` lines: a browser's localDescription grows these while it gathers. Text that does not parse is
 * compared as it is. Linear in the lengths; never throws.
 */
export function sameSdp(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseLines(a);
  const right = parseLines(b);
  if (!left.ok || !right.ok) return false;
  if (left.value.media.length !== right.value.media.length) return false;
  if (!sameSection(left.value.session, right.value.session)) return false;
  return left.value.media.every((section, i) => sameSection(section, right.value.media[i] ?? []));
}

function sameSection(a: readonly SdpLine[], b: readonly SdpLine[]): boolean {
  let i = 0;
  let j = 0;
  for (;;) {
    while (i < a.length && gathered(a[i])) i += 1;
    while (j < b.length && gathered(b[j])) j += 1;
    const left = a[i];
    const right = b[j];
    if (left === undefined || right === undefined) return left === right;
    if (left.type !== right.type) return false;
    if (left.value !== right.value && !(left.type === 'm' && withoutPort(left.value) === withoutPort(right.value)))
      return false;
    i += 1;
    j += 1;
  }
}

function gathered(line: SdpLine | undefined): boolean {
  if (line === undefined) return false;
  if (line.type === 'c') return true;
  return (
    line.type === 'a' &&
    (line.value.startsWith('candidate:') || line.value === 'end-of-candidates' || line.value.startsWith('rtcp:'))
  );
}

/** Port 0 stays: it means rejected, not gathered. */
function withoutPort(value: string): string {
  const first = value.indexOf(' ');
  const second = value.indexOf(' ', first + 1);
  if (first < 0 || second < 0) return value;
  const port = value.slice(first + 1, second);
  return port === '0' ? value : `${value.slice(0, first)}${value.slice(second)}`;
}
