/** A media worker whose browser legs are libdatachannel's: tests hold the relay and the contract to a second implementation. */
import * as library from 'node-datachannel';
import { makeCertificate } from '../../../src/eims-agw/certificate.ts';
import { runWorker, type WebSide, type WorkerInit } from '../../../src/eims-agw/worker-process.ts';
import { claimPort } from './mux-port.ts';
import { webEndMaker } from './web-end.ts';

async function open({ settings, webPorts }: WorkerInit): Promise<WebSide | string> {
  const { web } = settings;
  // Without a callback the library writes to our streams on its own.
  library.initLogger('Fatal', () => undefined);
  const port = await claimPort(library, web.bind, webPorts);
  if (port === null) {
    return `No UDP port of ${web.ports.min}-${web.ports.max} can be bound on ${web.bind} for media of browsers.`;
  }
  const certificate = makeCertificate(Date.now());
  return { make: webEndMaker({ native: library, certificate, bind: web.bind, advertise: web.advertise, port }) };
}

runWorker(open);
