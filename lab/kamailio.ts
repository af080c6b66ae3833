/** Writes the configuration of the three Kamailio processes out of the templates in `lab/kamailio/`. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOME_DOMAIN, type LabOptions, PORTS } from './settings.ts';

const TEMPLATES = join(import.meta.dirname, 'kamailio');
const MODULES = ['/usr/lib/x86_64-linux-gnu/kamailio/modules', '/usr/lib/aarch64-linux-gnu/kamailio/modules'];

export function writeConfiguration(options: LabOptions): void {
  const { folder, address } = options;
  const values: Record<string, string> = {
    ADDR: address,
    DOMAIN: HOME_DOMAIN,
    RUN: folder,
    MODULES: MODULES.find(path => existsSync(path)) ?? '/usr/lib/kamailio/modules',
    ICSCF_PORT: String(PORTS.icscf),
    SCSCF_PORT: String(PORTS.scscf),
    PCSCF_PORT: String(PORTS.pcscf),
    HSS_PORT: String(PORTS.hss),
    TNA_TRUSTED_PATH: trustedPath(options.trusted),
  };
  for (const node of ['icscf', 'scscf', 'pcscf']) {
    fill('common.cfg.in', `common-${node}.cfg`, values, folder);
    fill(`${node}.cfg.in`, `${node}.cfg`, values, folder);
  }
  const diameter = { icscf: PORTS.icscfDiameter, scscf: PORTS.scscfDiameter };
  for (const [node, port] of Object.entries(diameter)) {
    fill('cdp.xml.in', `${node}.xml`, { ...values, NODE: node, CDP_PORT: String(port) }, folder);
  }
  writeScscfList(folder, address);
}

function fill(template: string, file: string, values: Record<string, string>, folder: string): void {
  const text = readFileSync(join(TEMPLATES, template), 'utf8').replace(/@([A-Z_]+)@/g, (mark, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${template} has a mark nobody fills in: ${mark}`);
    return value;
  });
  writeFileSync(join(folder, file), text);
}

/** The I-CSCF's list of S-CSCFs: it wants a database, and text files are one. */
function writeScscfList(folder: string, address: string): void {
  const database = join(folder, 'icscf-db');
  mkdirSync(database, { recursive: true });
  writeFileSync(join(database, 'nds_trusted_domains'), `id(int) trusted_domain(string)\n1:${HOME_DOMAIN}\n`);
  const uri = `sip\\:${address}\\:${PORTS.scscf}`;
  writeFileSync(join(database, 's_cscf'), `id(int) name(string) s_cscf_uri(string)\n1:lab:${uri}\n`);
  writeFileSync(join(database, 's_cscf_capabilities'), 'id(int) id_s_cscf(int) capability(int)\n1:1:0\n2:1:1\n');
}

/** A regular expression for the first Path: one of these hosts, any port. */
function trustedPath(hosts: readonly string[]): string {
  const names = hosts.map(host => host.replaceAll('.', '[.]')).join('|');
  return `^<sip:([^@>]+@)?(${names})[:;>]`;
}
