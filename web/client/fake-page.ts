/** Test help: a client of a fake service, registered as a page is. */
import { CallingClient } from './client.ts';
import type { CallingClientOptions } from './client-parts.ts';
import type { FakeService } from './fake-service.ts';

export async function registered(
  service: FakeService,
  options: Partial<CallingClientOptions> = {},
): Promise<CallingClient> {
  const client = new CallingClient({ token: async () => 'token', environment: service.environment, ...options });
  const done = client.register();
  await service.ready();
  await done;
  return client;
}
