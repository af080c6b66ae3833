/** Child process: the sandbox's identity provider and IMS, so that a test measures the gateway's memory alone. */
import { startIdentityProvider } from '../../sandbox/identity/provider.ts';
import { startIms } from '../../sandbox/ims/ims.ts';
import { DOMAIN, SUBSCRIBERS } from '../../sandbox/subscribers.ts';

const host = process.argv[2] ?? '127.0.0.1';
const identity = await startIdentityProvider({ host, port: 9092, pagesUrls: [] });
const ims = await startIms({
  host,
  port: 5070,
  domain: DOMAIN,
  subscribers: SUBSCRIBERS,
  trustedNodes: [`${host}:5060`],
});
process.on('disconnect', () => {
  void Promise.all([identity.close(), ims.close()]).then(() => process.exit(0));
});
process.send?.({ issuer: identity.issuer });
