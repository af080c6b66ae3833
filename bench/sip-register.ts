/** CPU of a complete registration (REGISTER, 200) of our user agent over UDP, with SIPp as the registrar. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchResult, spread } from './bench.ts';
import { ended, openAgent, paced, started } from './sip-agent.ts';

const HOST = '127.0.62.1';
const [REGISTRAR, OURS] = [5091, 5061];
const COUNT = 3000;
const PER_S = 300;
/** Before the first that counts. */
const WARM_COUNT = 1500;

/** Measured `repeats` times. Rejects when SIPp is missing. */
export async function registerRows(repeats: number): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  writeFileSync(join(folder, 'registrar.xml'), SCENARIO);
  const registrar = await started(
    'sipp',
    ['-sf', 'registrar.xml', '-i', HOST, '-p', `${REGISTRAR}`, '-nostdin'],
    folder,
  );
  const costs: number[] = [];
  try {
    await registrations(WARM_COUNT);
    for (let n = 0; n < repeats; n += 1) costs.push(await registrations(COUNT));
  } finally {
    await ended(registrar);
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    name: 'sip-register',
    method: `${COUNT} registrations at ${PER_S} a second over UDP to SIPp, ${repeats} times, after ${WARM_COUNT} that do not count; median (lowest-highest).`,
    rows: [{ subject: 'Lineside: user agent', figures: { 'CPU us/registration': spread(costs) } }],
  };
}

/** CPU of this process for one, us. */
async function registrations(count: number): Promise<number> {
  const { agent, contact, close } = await openAgent(HOST, OURS);
  let done = 0;
  let lost = 0;
  const begin = () => {
    const aor = '<sip:+15550100001@ims.example>';
    const proxy = `sip:${HOST}:${REGISTRAR}`;
    const request = { registrar: 'sip:ims.example', aor, contact, route: [], proxy, expiresS: 600_000 };
    const registration = agent.register(request, {
      onRegistered() {
        done += 1;
      },
      onUnregistered() {},
      onRegisterFailed() {
        lost += 1;
      },
    });
    registration.refresh(600_000, []);
  };
  const cost = await paced(count, PER_S, begin, () => done + lost < count);
  await close();
  if (lost > 0) throw new Error(`${lost} of our registrations were refused`);
  return cost;
}

const SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="registrar">
  <recv request="REGISTER"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    [last_Contact:]
    Content-Length: 0

  ]]></send>
</scenario>
`;
