/** What one call asks of the service, and tells it. */
import type { CallOptions } from './call-parts.ts';
import type { HttpOptions } from './http.ts';
import { type CallStatus, readSession, type SessionNews } from './session.ts';

export interface CallRequests {
  /** How the call stands there. Rejects with CallingError. */
  read(): Promise<SessionNews | null>;
  /** PUT status; what it answers. Rejects with CallingError. */
  put(status: CallStatus, description: Record<string, unknown>): Promise<SessionNews | null>;
  /** Says that the call is over here, as soon as that can be. `tail`: below the call's own path. */
  leave(farewell: Pick<HttpOptions, 'method' | 'body'> & { tail: string }): Promise<void>;
}

export function createCallRequests({ id, path, http, farewells }: CallOptions): CallRequests {
  const own = `${path}/${encodeURIComponent(id)}`;
  return {
    read: async () => readSession(await http.request({ method: 'GET', path: own })),
    put: async (status, description) =>
      readSession(await http.request({ method: 'PUT', path: `${own}/status`, body: { status, ...description } })),
    leave: ({ tail, ...request }) => farewells.say(id, { ...request, path: `${own}${tail}` }),
  };
}
