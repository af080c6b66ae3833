/** The document by which the IMS says that another service was meant, or has to come first. TS 24.229 7.6. */
import { mediaType, partsOf, type SipMessage } from '../sip/index.ts';
import { readXml } from './strict-xml.ts';

const IMS_XML = 'application/3gpp-ims+xml';
const MAX_BYTES = 16 * 1024;
const MAX_ELEMENTS = 100;
const PATH = 'ims-3gpp alternative-service type';

/** The type of the alternative service a message names, such as `emergency` or `restoration`; null when it names none in XML that is well-formed and small. */
export function alternativeServiceOf(message: SipMessage): string | null {
  const document = partsOf(message).find(part => mediaType(part.contentType) === IMS_XML)?.content;
  if (document === undefined || document.length > MAX_BYTES) return null;
  const open: string[] = [];
  let inside = false;
  let type = '';
  const whole = readXml(document, MAX_ELEMENTS, {
    open({ local }) {
      open.push(local);
      inside = type === '' && open.join(' ') === PATH;
    },
    close() {
      open.pop();
      inside = false;
    },
    text(part) {
      if (inside) type += part;
    },
  });
  return whole && type !== '' ? type.trim() : null;
}
