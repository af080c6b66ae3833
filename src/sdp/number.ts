/** Numbers in SDP. */

/** A decimal number from 0 to `max`, or null. */
export function whole(text: string, max: number): number | null {
  if (text.length === 0 || text.length > 10 || !/^[0-9]+$/.test(text)) return null;
  const number = Number(text);
  return number <= max ? number : null;
}
