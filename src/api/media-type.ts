/** Content negotiation: the body is JSON in UTF-8, and JSON is answered. CAMARA digest 2.3. */

/** True when `value` (Content-Type) is application/json, with no parameter but a charset of utf-8. RFC 9110 8.3. */
export function isJsonType(value: string | undefined): boolean {
  if (value === undefined) return false;
  const [type = '', ...parameters] = value.split(';');
  if (type.trim().toLowerCase() !== 'application/json') return false;
  return parameters.every(parameter => {
    const text = parameter.trim().toLowerCase();
    return text === '' || text === 'charset=utf-8' || text === 'charset="utf-8"';
  });
}

/** True when `value` (Accept, undefined when absent) takes this media type. The most specific range decides. RFC 9110 12.5.1. */
export function accepts(value: string | undefined, wanted = 'application/json'): boolean {
  if (value === undefined || value.trim() === '') return true;
  let best = 0;
  let quality = 0;
  for (const range of value.split(',')) {
    const [type = '', ...parameters] = range.split(';');
    const rank = rankOf(type.trim().toLowerCase(), wanted);
    if (rank === 0 || rank < best) continue;
    const q = qualityOf(parameters);
    quality = rank === best ? Math.max(quality, q) : q;
    best = rank;
  }
  return quality > 0;
}

/** 0: another type; the more specific the higher. */
function rankOf(range: string, wanted: string): number {
  if (range === wanted) return 3;
  if (range === `${wanted.split('/', 1)[0]}/*`) return 2;
  return range === '*/*' ? 1 : 0;
}

function qualityOf(parameters: string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2);
    if (name.trim().toLowerCase() !== 'q') continue;
    const quality = Number(value.trim());
    return Number.isFinite(quality) ? quality : 0;
  }
  return 1;
}
