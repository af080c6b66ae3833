/** The answered call of a visitor whose page is being left, kept in its tab until the next page of the site is there. */
import type { KeyValueStore } from './environment.ts';
import { type KeptCall, readKeptCall } from './kept-call.ts';

export interface KeptVisit {
  entryPoint: string;
  visitorToken: string;
  websocketUrl: string;
  iceServers: RTCIceServer[];
  call: KeptCall;
}

const KEY = 'lineside.visit';

export function keepVisit(tab: KeyValueStore, visit: KeptVisit): void {
  tab.setItem(KEY, JSON.stringify(visit));
}

/** Takes the call of this entry point out: nothing else must find it as well. Null when there is none. */
export function takeKeptVisit(tab: KeyValueStore, entryPoint: string): KeptVisit | null {
  const visit = read(tab.getItem(KEY));
  if (visit?.entryPoint !== entryPoint) return null;
  tab.removeItem(KEY);
  return visit;
}

function read(text: string | null): KeptVisit | null {
  try {
    const { entryPoint, visitorToken, websocketUrl, iceServers, call: kept } = JSON.parse(text ?? '{}');
    const call = readKeptCall(kept);
    const known = [entryPoint, visitorToken, websocketUrl].every(value => typeof value === 'string');
    if (!known || call === null || !Array.isArray(iceServers)) return null;
    return { entryPoint, visitorToken, websocketUrl, iceServers, call };
  } catch {
    return null;
  }
}
