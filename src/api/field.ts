/** Checks of single values that a schema cannot express. CAMARA digest 4.2, 5.2, 8.2. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';

/** A UUID in its usual form, of any version; not the nil UUID. RFC 9562 4; decision A-24. */
export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text) && text !== NIL;
}

/** An https URL with a host, as a sink has to be; where it may point is decided by the event side. CAMARA digest 8.2, decision A-46. */
export function isHttpsUrl(text: string): boolean {
  if (!text.startsWith('https://') || /[^\x21-\x7e]/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.hostname !== '';
}

/** Ids of ours are plain; anything else names nothing and reaches no store. */
export function isPlainId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,256}$/.test(text);
}
