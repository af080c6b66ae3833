/** What went wrong at the start, in one clear sentence. */
import { SettingsError } from '../config/settings.ts';

/** A start that cannot go on; the message is the sentence to show. */
export class StartError extends Error {}

interface SystemFault extends Error {
  code?: string;
  address?: string;
  port?: number;
  path?: string;
  hostname?: string;
}

/** Turns whatever a start threw into one sentence for the operator. */
export function startFault(fault: unknown): string {
  if (fault instanceof StartError || fault instanceof SettingsError) return fault.message;
  if (!(fault instanceof Error)) return `Lineside could not start: ${String(fault)}.`;
  const { code, address, port, path, hostname, message } = fault as SystemFault;
  const where = port === undefined ? (path ?? '') : `${address ?? ''}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `Lineside could not start: ${where} is in use by another process.`;
    case 'EADDRNOTAVAIL':
      return `Lineside could not start: ${address ?? where} is not an address of this host.`;
    case 'EACCES':
      return `Lineside could not start: it may not use ${where}.`;
    case 'ENOENT':
      return `Lineside could not start: ${where} does not exist.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Lineside could not start: the name ${hostname ?? ''} in api.host or ops.host has no address.`;
    default:
      return `Lineside could not start: ${message.split('\n')[0]}`;
  }
}
