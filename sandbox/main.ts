/** `npm start`: starts the sandbox, tells what to try, ends everything on Ctrl-C. */
import { parseArgs } from 'node:util';
import { startFault } from '../src/runtime/start-fault.ts';
import { endOnSignal } from './end.ts';
import { startSandbox } from './sandbox.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    data: { type: 'string' },
    /** Emergency calls go to the small IMS. */
    emergency: { type: 'boolean', default: false },
  },
});

try {
  const emergency = { emergency: { route: 'ecscf', cscfs: [`${values.host}:5070`] } };
  const settings = values.emergency ? emergency : {};
  const sandbox = await startSandbox({ host: values.host, dataDir: values.data ?? null, settings });
  endOnSignal(sandbox);
  process.stdout.write(welcome(sandbox.pages, sandbox.issuer, sandbox.operations));
} catch (error) {
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}

function welcome(pages: string, issuer: string, operations: string): string {
  const tokenHost = values.host === '127.0.0.1' ? '' : `LINESIDE_TEST_HOST=${values.host} `;
  return `
Lineside sandbox is up.

  softphone and APIs   ${pages}/softphone/
  identity provider    ${issuer}
  operations           ${operations}/readyz  ${operations}/metrics

Try
  1. Open ${pages}/softphone/, sign in as +15550100001, allow the microphone, call +15550109000: you hear yourself.
  2. TOKEN=$(${tokenHost}npm run -s token -- --number +15550100001)
     curl -s -X POST ${pages}/webrtc-registration/v0.4rc1/sessions -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' -d '{"deviceId":"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}'

Ctrl-C ends everything.
`;
}
