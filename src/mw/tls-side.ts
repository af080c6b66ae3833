/** Our certificate towards the core, from the files the settings name. */
import { readFileSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import type { TlsSide } from '../sip/index.ts';

/** Reads them. Throws with one sentence that names the setting. */
export function readTlsSide(sip: Settings['sip']): TlsSide {
  const read = (name: 'tlsCert' | 'tlsKey' | 'tlsCa') => {
    try {
      return readFileSync(sip[name]);
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault';
      throw new Error(`The file of the setting "sip.${name}" cannot be read: ${why}.`);
    }
  };
  return {
    cert: read('tlsCert'),
    key: read('tlsKey'),
    ca: sip.tlsCa === '' ? null : read('tlsCa'),
    mutual: sip.tlsMutual,
    peers: sip.tlsPeers,
  };
}
