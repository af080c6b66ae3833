/** What an offer demands before its receiver may ring: met, still awaited from its sender, or not to be had here. RFC 3312 5, 8, 11. */
import { type Refusal, reasonPhrase, type SipRequest } from '../sip/index.ts';

/** The option tag. */
export const PRECONDITION = 'precondition';

/**
 * `ready`: all that must be is met, our side always being so. `waiting`: the sender has still to get ready. `impossible`:
 * it demands what nobody here can give, any other quality than that of one's own access.
 */
export type Standing = 'ready' | 'waiting' | 'impossible';

interface Demand {
  /** `qos`, or a kind that we do not know. */
  kind: string;
  /** From the writer's side: `local`, `remote`, `e2e`. */
  status: string;
  direction: string;
}

/** True when a caller speaks of preconditions: only then lines of them in its offer mean anything. */
export function namesPreconditions({ headers }: SipRequest): boolean {
  return headers.hasToken('Require', PRECONDITION) || headers.hasToken('Supported', PRECONDITION);
}

export function standingOf(offer: string): Standing {
  const open = sections(offer).slice(1).filter(isInUse).flatMap(unmet);
  if (open.some(isImpossible)) return 'impossible';
  return open.some(({ status }) => status === 'local') ? 'waiting' : 'ready';
}

/** What to say to an INVITE whose demands cannot be met; null when they can. A caller that waits for us needs reliable answers. */
export function refusalOf(invite: SipRequest, offer: string): Refusal | null {
  const standing = standingOf(offer);
  if (standing === 'impossible') return preconditionFailure(offer);
  const reliable = invite.headers.hasToken('Supported', '100rel') || invite.headers.hasToken('Require', '100rel');
  if (standing === 'ready' || reliable) return null;
  return { status: 421, reason: reasonPhrase(421), headers: [['Require', '100rel']] };
}

/** 580, with what was demanded in vain. RFC 3312 8. */
export function preconditionFailure(offer: string): Refusal {
  const [session = '', ...media] = sections(offer);
  const [version = '', origin = ''] = session.split(/(?<=\n)/);
  const told = media.map(section => {
    const lines = unmet(section)
      .filter(({ status }) => status !== 'remote')
      .map(one => `a=des:${one.kind} ${one.kind === 'qos' ? 'failure' : 'unknown'} ${one.status} ${one.direction}\r\n`);
    return [section.slice(0, section.indexOf('\n') + 1), ...lines].join('');
  });
  const content = `${version}${origin}s=-\r\nt=0 0\r\n${told.join('')}`;
  return { status: 580, reason: reasonPhrase(580), body: { contentType: 'application/sdp', content } };
}

/** Demands that must be met and are not yet, as the writer of the section sees it. */
export function unmet(section: string): Demand[] {
  const current = new Set<string>();
  for (const [, met = ''] of section.matchAll(/^a=curr:([\w-]+ \w+ \w+)/gm)) current.add(met);
  const demands: Demand[] = [];
  for (const [, kind = '', status = '', direction = ''] of section.matchAll(
    /^a=des:([\w-]+) mandatory (\w+) (\w+)/gm,
  )) {
    const met = [direction, 'sendrecv'].some(way => current.has(`${kind} ${status} ${way}`));
    if (!met) demands.push({ kind, status, direction });
  }
  return demands;
}

/** True for a media section whose port is not 0. */
export function isInUse(section: string): boolean {
  return !/^m=\S+ 0[ /]/.test(section);
}

/** The session part and the media sections, each ending with its line break. */
export function sections(sdp: string): string[] {
  return sdp.split(/^(?=m=)/m);
}

function isImpossible({ kind, status }: Demand): boolean {
  return kind !== 'qos' || (status !== 'local' && status !== 'remote');
}
