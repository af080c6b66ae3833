/** Test help: a port for programs that do not tell which one they were given. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port that nobody has on this address. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
