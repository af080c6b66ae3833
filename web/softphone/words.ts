/** The page's words for what a call does. */
import type { Call, CallStatus, Holder, Party } from '../client/index.ts';

const HELD: Readonly<Record<Holder, string>> = {
  local: 'On hold',
  remote: 'On hold by the other side',
  both: 'On hold by both sides',
};

export function statusText(call: Call): string {
  if (call.answeredAt !== null && (call.media === 'recovering' || call.media === 'lost')) return 'Reconnecting…';
  return call.heldBy === null ? wordOf(call.status, call.direction) : HELD[call.heldBy];
}

function wordOf(status: CallStatus, direction: 'inbound' | 'outbound'): string {
  switch (status) {
    case 'Initial':
      return direction === 'outbound' ? 'Calling…' : 'Incoming call';
    case 'InProgress':
      return direction === 'outbound' ? 'Connecting…' : 'Incoming call';
    case 'Ringing':
      return direction === 'outbound' ? 'Ringing…' : 'Incoming call';
    case 'Proceeding':
      return 'Being put through…';
    case 'Waiting':
      return 'Waiting in a queue…';
    case 'Connected':
    case 'Resume':
      return 'Connected';
    case 'Hold':
      return 'On hold';
    case 'Terminated':
    case 'SessionCancelled':
    case 'Declined':
    case 'Failed':
    case 'NoAnswer':
    case 'NotReachable':
    case 'Busy':
      return 'Call ended';
    default:
      return status satisfies never;
  }
}

/** What a person calls the other side: the name, else the number. */
export function nameText(party: Party): string {
  if (party.anonymous) return 'Number withheld';
  return party.display ?? shortAddress(party);
}

/** The number beside the name; empty when the name says it already. */
export function numberText(party: Party): string {
  return party.anonymous || party.display === null ? '' : shortAddress(party);
}

/** The first letter of a name, else a sign. */
export function badgeText(party: Party): string {
  if (party.anonymous) return '?';
  return party.display === null ? '#' : ([...party.display][0] ?? '#').toUpperCase();
}

function shortAddress(party: Party): string {
  if (party.address.startsWith('urn:service:sos')) return 'Emergency call';
  return party.number ?? party.address.replace(/^(tel|sip):/, '');
}

/** 75 000 ms -> "1:15". */
export function timeText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const tail = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}
