/** CPU of a complete call (INVITE, 180, 200, ACK, BYE, 200) over UDP: our user agent as the caller, and Kamailio as a stateful proxy, both towards SIPp. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallUser } from '../src/sip/index.ts';
import { type BenchResult, spread } from './bench.ts';
import { treeCpuMs } from './process.ts';
import { ended, openAgent, paced, started } from './sip-agent.ts';

const HOST = '127.0.62.1';
const [UAS, PROXY, UAC, OURS] = [5090, 5070, 5080, 5060];
const CALLS = 3000;
const CALLS_PER_S = 300;
/** Calls of ours before the first that counts: until the compiler is done, what is measured is mostly the compiler. */
const WARM_CALLS = 1500;
const MODULES = '/usr/lib/x86_64-linux-gnu/kamailio/modules/';

/** Rows of both, each measured `repeats` times in turn. Rejects when SIPp or Kamailio is missing. */
export async function callRows(repeats: number): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const uas = await started('sipp', ['-sn', 'uas', '-i', HOST, '-p', `${UAS}`, '-nostdin'], folder);
  const [ours, theirs]: [number[], number[]] = [[], []];
  try {
    await ourCalls(WARM_CALLS);
    for (let n = 0; n < repeats; n += 1) {
      ours.push(await ourCalls(CALLS));
      theirs.push(await proxiedCalls(folder));
    }
  } finally {
    await ended(uas);
    rmSync(folder, { recursive: true, force: true });
  }
  const row = (subject: string, costs: number[]) => ({ subject, figures: { 'CPU us/call': spread(costs) } });
  return {
    name: 'sip-call',
    method: `${CALLS} complete calls at ${CALLS_PER_S} a second over UDP to SIPp, ${repeats} times in turn, after ${WARM_CALLS} of ours that do not count; median (lowest-highest). Ours is one end of the call (7 messages), the proxy forwards it (12).`,
    rows: [row('Lineside: user agent, caller', ours), row('Kamailio: tm, record-route', theirs)],
  };
}

/** CPU of this process for one call of ours, us. */
async function ourCalls(count: number): Promise<number> {
  const { agent, contact, close } = await openAgent(HOST, OURS);
  let lost = 0;
  const place = () => {
    const user: CallUser = {
      onProgress() {},
      onAnswered: () => void setImmediate(() => call.end()),
      onRejected() {
        lost += 1;
      },
      onCancelled() {},
      onAcked() {},
      onEnded() {},
      onReoffer: reoffer => reoffer.reject({ status: 488, reason: 'Not Acceptable Here' }),
      onUpdated() {},
      onUpdateFailed() {},
    };
    const call = agent.call(
      {
        uri: `sip:+15550100002@${HOST}:${UAS}`,
        from: '<sip:+15550100001@ims.example>',
        to: '<sip:+15550100002@ims.example>',
        contact,
        route: [],
        headers: [['P-Asserted-Identity', '<sip:+15550100001@ims.example>']],
        body: { contentType: 'application/sdp', content: SDP },
      },
      user,
    );
  };
  const cost = await paced(count, CALLS_PER_S, place, () => agent.sizes().calls > 0);
  await close();
  if (lost > 0) throw new Error(`${lost} of our calls were refused`);
  return cost;
}

/** CPU of Kamailio for one call that it relays, us. */
async function proxiedCalls(folder: string): Promise<number> {
  const config = join(folder, 'kamailio.cfg');
  writeFileSync(config, PROXY_CONFIG);
  const proxy = await started('kamailio', ['-f', config, '-DD', '-E', '-m', '128', '-M', '16', '-Y', folder], folder);
  try {
    const pid = proxy.pid ?? 0;
    const before = treeCpuMs(pid);
    const args = ['-sn', 'uac', `${HOST}:${PROXY}`, '-i', HOST, '-p', `${UAC}`, '-d', '0', '-nostdin'];
    const caller = spawn('sipp', [...args, '-r', `${CALLS_PER_S}`, '-m', `${CALLS}`], { cwd: folder, stdio: 'ignore' });
    const code = await new Promise(resolve => caller.once('exit', resolve));
    if (code !== 0) throw new Error(`SIPp's calls through Kamailio failed (exit ${code}).`);
    return ((treeCpuMs(pid) - before) * 1000) / CALLS;
  } finally {
    await ended(proxy);
  }
}

const SDP = [
  'v=0',
  `o=- 1 1 IN IP4 ${HOST}`,
  's=-',
  `c=IN IP4 ${HOST}`,
  't=0 0',
  'm=audio 40100 RTP/AVP 8 0 101',
  'a=rtpmap:101 telephone-event/8000',
  'a=sendrecv',
  '',
].join('\r\n');

const PROXY_CONFIG = `#!KAMAILIO
debug=0
log_stderror=no
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:${HOST}:${PROXY}
mpath="${MODULES}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "maxfwd.so"
request_route {
  if (!mf_process_maxfwd_header("10")) exit;
  if (is_method("INVITE")) record_route();
  $du = "sip:${HOST}:${UAS}";
  if (is_method("ACK")) { forward(); exit; }
  t_relay();
}
`;
