/** A media worker whose browser legs are libdatachannel's. */
import { makeCertificate } from '../certificate.ts';
import { runWorker, type WebSide, type WorkerInit } from '../worker-process.ts';
import { claimPort } from './mux-port.ts';
import { webEndMaker } from './web-end.ts';

async function open({ settings, webPorts }: WorkerInit): Promise<WebSide | string> {
  const { web } = settings;
  let library: typeof import('node-datachannel');
  try {
    library = await import('node-datachannel');
    // Without a callback the library writes to our streams on its own.
    library.initLogger('Fatal', () => undefined);
  } catch {
    return 'The native part of node-datachannel does not load on this platform, so calls cannot have media: install it with its optional dependencies, or set media.engine to relay.';
  }
  const port = await claimPort(library, web.bind, webPorts);
  if (port === null) {
    return `No UDP port of ${web.ports.min}-${web.ports.max} can be bound on ${web.bind} for media of browsers.`;
  }
  const certificate = makeCertificate(Date.now());
  return { make: webEndMaker({ native: library, certificate, bind: web.bind, advertise: web.advertise, port }) };
}

runWorker(open);
