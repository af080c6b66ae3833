/** Turns replies of the core into answers; a reply of the wrong kind is a broken promise and throws. */
import type { RegistrationView, Reply, SessionView } from '../ep-cscf/api-request.ts';
import { errorTable } from '../errors.ts';
import type { Refusal } from './ports.ts';

/** The refusal in a reply, or null when it is a success. */
export function refusalOf(reply: Reply): Refusal | null {
  if (reply.ok) return null;
  const { error, field, retryAfterS } = reply;
  return {
    ok: false,
    error,
    ...(field === undefined ? {} : { message: `${field}: ${errorTable[error].message}` }),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  };
}

export function registrationOf(reply: Reply): RegistrationView | Refusal {
  if ('registration' in reply) return reply.registration;
  return refusalOf(reply) ?? unfit('a registration');
}

export function registrationsOf(reply: Reply): RegistrationView[] | Refusal {
  if ('registrations' in reply) return reply.registrations;
  return refusalOf(reply) ?? unfit('registrations');
}

export function sessionOf(reply: Reply): SessionView | Refusal {
  if ('session' in reply) return reply.session;
  return refusalOf(reply) ?? unfit('a session');
}

export function isRefusal(value: object): value is Refusal {
  return 'ok' in value && value.ok === false;
}

function unfit(wanted: string): never {
  throw new Error(`The core did not answer with ${wanted}.`);
}
