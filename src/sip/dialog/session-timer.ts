/** Session timers: interval and refresher agreed with the peer. RFC 4028. */
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { plain } from './in-dialog.ts';
import type { CallEffect, Facts, Header, ResponseSpec } from './types.ts';

export interface SessionTimer {
  intervalS: number;
  /** True when we send the refreshes. */
  weRefresh: boolean;
  /** Largest Min-SE seen, in seconds. */
  minSeS: number;
  /** The peer knows of it: without a refresh the session ends. False: we alone refresh, to find out whether it is there. */
  agreed: boolean;
}

/** Session-Expires as received; null when absent or not a number. */
function sessionExpires(message: SipMessage): { intervalS: number; refresher: 'uac' | 'uas' | null } | null {
  const value = message.headers.get('Session-Expires');
  const found = value === undefined ? null : /^\s*(\d{1,9})\s*(?:;(.*))?$/.exec(value);
  if (found === null) return null;
  const refresher = /(?:^|;)\s*refresher\s*=\s*(uac|uas)\b/i.exec(found[2] ?? '')?.[1]?.toLowerCase();
  return { intervalS: Number(found[1]), refresher: refresher === 'uac' || refresher === 'uas' ? refresher : null };
}

/** The refusal of an interval that is too small, for a UAC that knows how to raise it; else null. RFC 4028 9. */
export function tooShort(request: SipRequest, facts: Facts): ResponseSpec | null {
  const asked = sessionExpires(request);
  if (asked === null || asked.intervalS >= facts.minSeS || !usesTimer(request, facts)) return null;
  return plain(422, 'Session Interval Too Small', [['Min-SE', String(facts.minSeS)]]);
}

/** As UAS: the timer our 2xx sets and its header fields. Without Session-Expires in the request there is no timer. RFC 4028 9. */
export function answerTimer(request: SipRequest, facts: Facts): { timer: SessionTimer | null; headers: Header[] } {
  const asked = facts.supported.includes('timer') ? sessionExpires(request) : null;
  if (asked === null) return { timer: null, headers: [] };
  const peerKnows = usesTimer(request, facts);
  const refresher = peerKnows ? (asked.refresher ?? 'uac') : 'uas';
  const intervalS = Math.max(asked.intervalS, facts.minSeS);
  const headers: Header[] = [['Session-Expires', `${intervalS};refresher=${refresher}`]];
  if (peerKnows) headers.push(['Require', 'timer']);
  const minSeS = Math.max(facts.minSeS, request.headers.number('Min-SE') ?? 0);
  return { timer: { intervalS, weRefresh: refresher === 'uas', minSeS, agreed: true }, headers };
}

/** What a request of ours asked for. */
export type Asked = Pick<SessionTimer, 'intervalS' | 'minSeS'>;

/** As UAC: what a 2xx says; silent about it: we refresh at the interval we asked for. RFC 4028 7.2. */
export function timerOf2xx(response: SipResponse, asked: Asked | null, facts: Facts): SessionTimer | null {
  if (!facts.supported.includes('timer')) return null;
  const said = sessionExpires(response);
  const minSeS = asked?.minSeS ?? facts.minSeS;
  if (said !== null) {
    const intervalS = Math.max(said.intervalS, facts.minSeS);
    return { intervalS, weRefresh: said.refresher !== 'uas', minSeS, agreed: true };
  }
  return asked === null ? null : { intervalS: asked.intervalS, weRefresh: true, minSeS, agreed: false };
}

/** What a 422 makes of what was asked for: the interval its Min-SE wants. Null when it is none, or wants no more than that. RFC 4028 7.3. */
export function raised<T extends Asked>(asked: T | null, response: SipResponse): T | null {
  const minSeS = response.status === 422 ? response.headers.number('Min-SE') : undefined;
  if (asked === null || minSeS === undefined || minSeS <= asked.intervalS) return null;
  return { ...asked, intervalS: minSeS, minSeS };
}

/** Header fields of a request inside the dialog: the interval, and the roles as they are. RFC 4028 7.4. */
export function refreshHeaders(timer: SessionTimer | null): Header[] {
  if (timer === null) return [];
  return [
    ['Session-Expires', `${timer.intervalS};refresher=${timer.weRefresh ? 'uac' : 'uas'}`],
    ['Min-SE', String(timer.minSeS)],
  ];
}

/** Counts the interval anew: our refresh at half of it, and the end of the session shortly before it is over. RFC 4028 10. */
export function armTimer(timer: SessionTimer | null, out: CallEffect[]): void {
  stopTimers(out);
  if (timer === null) return;
  const { intervalS, weRefresh, agreed } = timer;
  if (weRefresh) out.push({ type: 'start-timer', name: 'refresh', ms: intervalS * 500 });
  if (agreed) out.push({ type: 'start-timer', name: 'expiry', ms: (intervalS - Math.min(32, intervalS / 3)) * 1000 });
}

/** A refresh of ours was refused: the next one a tenth of the interval later, while the session lasts. RFC 4028 10. */
export function retryRefresh(timer: SessionTimer | null, out: CallEffect[]): void {
  if (timer?.weRefresh) out.push({ type: 'start-timer', name: 'refresh', ms: timer.intervalS * 100 });
}

export function stopTimers(out: CallEffect[]): void {
  out.push({ type: 'stop-timer', name: 'refresh' }, { type: 'stop-timer', name: 'expiry' });
}

function usesTimer(request: SipRequest, facts: Facts): boolean {
  return facts.supported.includes('timer') && request.headers.hasToken('Supported', 'timer');
}
