/** XML of the network, well-formed or not at all: no document type, no more than so many elements. */
import { SaxesParser, type SaxesTagNS } from 'saxes';

export interface XmlReader {
  open(tag: SaxesTagNS): void;
  close(tag: SaxesTagNS): void;
  text(text: string): void;
}

/** Reads a document with namespaces, telling `reader` what comes. False: not well-formed, a document type, too many elements, or `reader` threw. */
export function readXml(text: string, maxElements: number, reader: XmlReader): boolean {
  const parser = new SaxesParser({ xmlns: true });
  let elements = 0;
  parser.on('error', error => {
    throw error;
  });
  parser.on('doctype', () => {
    throw new Error('a document type is not taken');
  });
  parser.on('opentag', tag => {
    elements += 1;
    if (elements > maxElements) throw new Error('too many elements');
    reader.open(tag);
  });
  parser.on('closetag', tag => reader.close(tag));
  parser.on('text', part => reader.text(part));
  try {
    parser.write(text).close();
    return true;
  } catch {
    return false;
  }
}

/** The value of an attribute without spaces around it; empty when it is absent. */
export function attribute(tag: SaxesTagNS, name: string): string {
  return tag.attributes[name]?.value.trim() ?? '';
}
