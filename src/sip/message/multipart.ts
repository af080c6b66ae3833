/** Multipart bodies, one level deep: taken apart and put together. RFC 2046 5.1, RFC 5621. */

/** One part of a body, its content as text (UTF-8). */
export interface Part {
  contentType: string;
  /** Other header fields of the part, lower-case names: `content-id`, `content-disposition`. */
  headers: ReadonlyMap<string, string>;
  content: string;
}

/** Parts looked at in one multipart body. */
const MAX_PARTS = 16;
const MAX_FIELDS = 16;

/** Type and subtype of a Content-Type value, lower case, without blanks. */
export function mediaType(value: string): string {
  return (value.split(';')[0] ?? '').replace(/\s/g, '').toLowerCase();
}

/** The parts of a body of this Content-Type: of a multipart the first sixteen, of any other the body itself. Empty when the boundary is missing. */
export function splitBody(contentType: string, body: string): Part[] {
  if (!mediaType(contentType).startsWith('multipart/')) return [{ contentType, headers: new Map(), content: body }];
  const found = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) return [];
  const parts: Part[] = [];
  for (const piece of `\r\n${body}`.split(`\r\n--${boundary}`, MAX_PARTS + 1).slice(1)) {
    if (piece.startsWith('--')) break;
    const part = partOf(piece);
    if (part !== null) parts.push(part);
  }
  return parts;
}

function partOf(piece: string): Part | null {
  const split = piece.indexOf('\r\n\r\n');
  // The boundary may be the beginning of another word.
  if (split < 0 || !/^[ \t]*\r\n/.test(piece)) return null;
  const headers = new Map<string, string>();
  for (const line of piece.slice(0, split).split('\r\n', MAX_FIELDS + 1)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  // RFC 2046 5.1: a part that does not name its type is plain text.
  const contentType = headers.get('content-type') ?? 'text/plain';
  headers.delete('content-type');
  return { contentType, headers, content: piece.slice(split + 4) };
}

/** A multipart/mixed body of these parts. `boundary` must not occur in any of them; 1 to 70 token characters. */
export function joinParts(parts: readonly Part[], boundary: string): { contentType: string; content: string } {
  let content = '';
  for (const part of parts) {
    content += `--${boundary}\r\nContent-Type: ${part.contentType}\r\n`;
    for (const [name, value] of part.headers) content += `${name}: ${value}\r\n`;
    content += `\r\n${part.content}\r\n`;
  }
  return { contentType: `multipart/mixed;boundary=${boundary}`, content: `${content}--${boundary}--\r\n` };
}
