/** Where the lab's parts listen and whom they trust. */
import type { Life } from './process.ts';

export const HOME_DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org';

export interface LabOptions {
  /** Loopback address of every part. Two labs run side by side on two addresses. */
  address: string;
  /** Folder of configuration, logs and process ids. */
  folder: string;
  /** Addresses whose Path the S-CSCF believes when a REGISTER says that the user is authenticated. */
  trusted: readonly string[];
  life: Life;
}

/** Ports on the lab's address. */
export const PORTS = {
  pcscf: 5060,
  icscf: 4060,
  scscf: 6060,
  hss: 3868,
  hssControl: 3880,
  icscfDiameter: 3869,
  scscfDiameter: 3870,
} as const;

export type LabPart = 'hss' | 'scscf' | 'icscf' | 'pcscf';
/** In the order they start. */
export const PARTS: readonly LabPart[] = ['hss', 'scscf', 'icscf', 'pcscf'];
