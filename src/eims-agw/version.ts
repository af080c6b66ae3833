/** The o= line of one side: one session id for the whole call, a version that moves only when the text below it does. RFC 3264 8. */

export interface Versioned {
  sessionId: number;
  version: number;
  /** Last text written, or null. */
  text: string | null;
}

export function versioned(sessionId: number): Versioned {
  return { sessionId, version: 1, text: null };
}

/** Writes with the present version; when the text differs from the last one, again with the next. */
export function writeVersion(side: Versioned, write: (version: number) => string): string {
  if (side.text === null) side.text = write(side.version);
  else if (write(side.version) !== side.text) {
    side.version += 1;
    side.text = write(side.version);
  }
  return side.text;
}
