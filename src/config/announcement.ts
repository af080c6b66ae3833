/** Announcements as the settings write them: NAME=FILE. */

/** What a call can be played: ring-back, the end of its time, and why the network refused it, by code or by class. */
const NAME = /^(?:ringing|maximum-duration|[4-6](?:\d\d|xx))$/;

/** `NAME=FILE` as its two parts; null for anything else. */
export function parseAnnouncement(text: string): [name: string, file: string] | null {
  const at = text.indexOf('=');
  const [name, file] = [text.slice(0, at), text.slice(at + 1)];
  return NAME.test(name) && file.startsWith('/') ? [name, file] : null;
}
