/** P-Charging-Vector, read by its parameters. RFC 7315 4.6. */

const PARAM = /(?:^|;)\s*(([\w-]+)\s*=\s*("[^"]*"|[^;,"\s]+))/g;

export interface ChargingParam {
  /** Lower case. */
  name: string;
  /** Without quotes. */
  value: string;
  /** Name and value as they were written. */
  text: string;
}

/** Those parameters of the vector that have one of these names, in their order; none of a field that is not there. */
export function chargingParams(vector: string | undefined, names: readonly string[]): ChargingParam[] {
  return [...(vector ?? '').matchAll(PARAM)]
    .map(([, text = '', name = '', value = '']) => ({
      name: name.toLowerCase(),
      value: value.replaceAll('"', ''),
      text,
    }))
    .filter(({ name }) => names.includes(name));
}
