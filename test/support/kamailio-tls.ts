/** Test help: a Kamailio that speaks TLS alone, asks for certificates, registers and relays. It stands where an operator's core would. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess, processOf, startProcess } from '../../lab/process.ts';
import { freePort } from './free-port.ts';
import { type Holder, tlsFile } from './sip-tls.ts';
import { until } from './talk.ts';

/** The certificates name this address. */
const HOST = '127.0.0.1';
const NAME = 'kamailio-tls';
const MODULES = ['x86_64', 'aarch64'].map(kind => `/usr/lib/${kind}-linux-gnu/kamailio/modules`);

export interface TlsCore {
  /** host:port of its TLS socket. */
  entry: string;
  close(): Promise<void>;
}

/** Starts it with the certificate of `holder`; rejects with its last words when it does not come up. */
export async function startTlsCore(holder: Holder): Promise<TlsCore> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-kamailio-'));
  const port = await freePort(HOST);
  const sides = ['server', 'client'].map(side => tlsSide(side, holder)).join('\n');
  writeFileSync(join(folder, 'tls.cfg'), sides);
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration(folder, port));
  const checked = spawnSync('kamailio', ['-c', '-f', file], { encoding: 'utf8' });
  if (checked.status !== 0) throw new Error(`Kamailio refuses its configuration: ${checked.stderr.slice(-800)}`);
  const run = ['-f', file, '-DD', '-E', '-m', '64', '-M', '8', '-Y', folder, '-w', folder];
  startProcess(folder, NAME, ['kamailio', ...run], 'ours');
  const log = () =>
    readFileSync(join(folder, `${NAME}.log`), 'utf8')
      .trim()
      .slice(-800);
  const close = async () => {
    await endProcess(folder, NAME);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => {
      if (processOf(folder, NAME) === null) throw new Error(`Kamailio has ended: ${log()}`);
      return listens(port);
    }, 'Kamailio on its TLS port');
  } catch (error) {
    await close();
    throw error;
  }
  return { entry: `${HOST}:${port}`, close };
}

function tlsSide(side: string, holder: Holder): string {
  return `[${side}:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = ${tlsFile(`${holder}.pem`)}
private_key = ${tlsFile(`${holder}.key`)}
ca_list = ${tlsFile('ca.pem')}
`;
}

function configuration(folder: string, port: number): string {
  const modules = ['tls', 'tm', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils', 'usrloc', 'registrar'];
  return `debug=0
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
dns=no
rev_dns=no
use_dst_blocklist=no
enable_tls=yes
tcp_accept_no_cl=yes
listen=tls:${HOST}:${port}
mpath="${MODULES.find(path => existsSync(path)) ?? '/usr/lib/kamailio/modules'}"
${modules.map(name => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "config", "${join(folder, 'tls.cfg')}")
modparam("tm", "fr_timer", 5000)
request_route {
  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
  if (is_method("REGISTER")) {
    append_to_reply("Service-Route: <sip:orig@${HOST}:${port};transport=tls;lr>\\r\\n");
    save("location");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) {
    loose_route();
    t_relay();
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply("489", "Bad Event"); exit; }
  loose_route();
  record_route();
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();
}
`;
}

/** True when a socket listens on the port: state 0A in the kernel's list. */
function listens(port: number): boolean {
  const name = `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  return readFileSync('/proc/net/tcp', 'utf8').includes(name);
}
