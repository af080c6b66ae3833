/** Test help: a client of a fake service, registered as a page is. */
import { CallingClient } from './client.ts';
import type { FakeService } from './fake-service.ts';

export async function registered(service: FakeService): Promise<CallingClient> {
  const client = new CallingClient({ token: async () => 'token', environment: service.environment });
  const done = client.register();
  await service.ready();
  await done;
  return client;
}
