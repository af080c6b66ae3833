/** Texts that outlive the message they were read from. */

/**
 * The same text with memory of its own. A part cut out of a longer string keeps the whole of it alive in V8, so what is
 * held for the life of a registration or a dialog would hold the head of its message as well.
 */
export function kept(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
