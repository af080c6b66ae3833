/** Settings of calls. */
import { area, choice, flag, integer } from './area.ts';

export const call = area('Calls', {
  originateGuardMs: integer('A call out that nobody answers ends after this.', 180_000, 1000),
  callerReadyMs: integer(
    'A call in whose caller still reserves its line waits so long before it is refused.',
    20_000,
    1000,
  ),
  ringGuardMs: integer('A call in that no device answers ends after this.', 120_000, 1000),
  invitationMs: integer('A device none of whose sinks took the invitation within this is skipped.', 8000, 100),
  mediaSetupMs: integer('Time for ICE and DTLS after the answer.', 10_000, 500),
  reofferMs: integer('Time a device has to answer a re-offer.', 20_000, 1000),
  maxDurationMs: integer('Longest call.', 14_400_000, 1000),
  perRegistration: integer('Concurrent calls of one registration.', 4, 1),
  perNumber: integer('Concurrent calls of one number.', 10, 1),
  declineMode: choice(
    'Decline by one device: `device` lets the others ring on, `all` stops every device and the SIM phone.',
    'device',
    ['device', 'all'],
  ),
  sipReceivers: choice(
    'SIP addresses that may be called: `any`, those of the home domain of the caller, or `none`. A telephone number of the home domain in SIP form is a telephone number.',
    'any',
    ['any', 'home', 'none'],
  ),
  sendLocation: flag(
    'Send the locationDetails of ordinary calls to the core. Emergency calls always carry them.',
    false,
  ),
});
