/** The HSS as a process of its own: `node lab/hss/main.ts --address A --diameter PORT --control PORT --home DOMAIN`. */
import { parseArgs } from 'node:util';
import { startHss } from './server.ts';

const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1' },
    diameter: { type: 'string', default: '3868' },
    control: { type: 'string', default: '3880' },
    home: { type: 'string', default: '' },
    // Names the run it belongs to, so that who stops the lab knows its own processes.
    run: { type: 'string' },
  },
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
await startHss({
  address: values.address,
  diameterPort: Number(values.diameter),
  controlPort: Number(values.control),
  home: values.home,
});
