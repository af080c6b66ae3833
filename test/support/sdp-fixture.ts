/** SDP texts of `test/fixtures/sdp`, by section of the media design and name. */
import { readFileSync } from 'node:fs';

const FOLDER = new URL('../fixtures/sdp/', import.meta.url);

/** One text, with the line ends of SDP. */
export function sdpFixture(name: string): string {
  return readFileSync(new URL(`${name}.sdp`, FOLDER), 'utf8').replaceAll('\n', '\r\n');
}
