/** The log: JSON lines by pino, telephone numbers masked wherever they appear, secrets never taken. */
import { type DestinationStream, pino } from 'pino';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A log that adds these fields to each line. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error';
  numbers: 'masked' | 'full';
  /** Where lines go; standard output when absent. */
  destination?: DestinationStream;
}

const SECRET_FIELD =
  /token|secret|password|authorization|credential|ticket|cookie|sdp|offer|answer|fingerprint|icepwd/i;
/** Numbers of five digits or more after "+", "tel:" or "sip:": all but the last two digits are hidden. */
const NUMBER = /(\+|tel:|sip:\+?)(\d{3,13})(\d{2})(?!\d)/g;

/** Hides the digits of telephone numbers but the last two. */
export function maskNumbers(text: string): string {
  return text.replace(
    NUMBER,
    (_all, lead: string, hidden: string, tail: string) => lead + '*'.repeat(hidden.length) + tail,
  );
}

export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
  const clean = options.numbers === 'full' ? (text: string) => text : maskNumbers;
  return wrap({});

  function wrap(bound: LogFields): Log {
    const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) => {
      if (!logger.isLevelEnabled(level)) return;
      logger[level](safe({ ...bound, ...fields }, clean), clean(message));
    };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      with: fields => wrap({ ...bound, ...fields }),
    };
  }
}

function safe(fields: LogFields, clean: (text: string) => string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    result[name] = SECRET_FIELD.test(name) ? '[hidden]' : typeof value === 'string' ? clean(value) : value;
  }
  return result;
}

/** A log that writes nothing, for tests. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog };
