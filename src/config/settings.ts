/** Every setting of Lineside: defaults, then the YAML file, then the environment, checked before anything starts. */
import { readFileSync } from 'node:fs';
import { type Static, type TObject, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse as parseYaml } from 'yaml';
import { api, clientSchema } from './api.ts';
import { auth } from './auth.ts';
import { call } from './call.ts';
import { clickToCall } from './click-to-call.ts';
import { emergency } from './emergency.ts';
import { events } from './events.ts';
import { ims } from './ims.ts';
import { media } from './media.ts';
import { log, ops } from './ops.ts';
import { publicArea } from './public.ts';
import { registration } from './registration.ts';
import { rtpengine } from './rtpengine.ts';
import { faultOf } from './sense.ts';
import { sink } from './sink.ts';
import { sip } from './sip.ts';
import { store } from './store.ts';
import { tls } from './tls.ts';
import { turn } from './turn.ts';
import { w2Sip } from './w2-sip.ts';
import { web } from './web.ts';

export const areas = {
  public: publicArea,
  api,
  tls,
  auth,
  registration,
  call,
  clickToCall,
  emergency,
  sip,
  ims,
  media,
  rtpengine,
  turn,
  w2Sip,
  events,
  sink,
  web,
  store,
  ops,
  log,
} as const;

const settingsSchema = Type.Object(areas, { additionalProperties: false });
export type Settings = Static<typeof settingsSchema>;

/** A setting that cannot be used. The message is one sentence that names it. */
export class SettingsError extends Error {}

/** What of a field's schema tells how to read it from a text. */
interface FieldShape {
  type?: string;
  items?: { type?: string };
}

type Tree = Record<string, Record<string, unknown>>;

/** `LINESIDE_` + area + name in upper snake case: sip.t1Ms -> LINESIDE_SIP_T1_MS. */
export function environmentName(areaName: string, name: string): string {
  return `LINESIDE_${areaName}_${name}`.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

/**
 * Reads the settings. `file` is a YAML file or null; `env` the process environment.
 * Throws SettingsError with one sentence: unreadable file, unknown setting, wrong type, out of range.
 */
export function readSettings(file: string | null, env: Readonly<Record<string, string | undefined>>): Settings {
  const tree = file === null ? {} : readFile(file);
  const known = new Set<string>();
  for (const [areaName, schema] of Object.entries(areas)) {
    const fields = tree[areaName] ?? {};
    tree[areaName] = fields;
    for (const [name, field] of Object.entries((schema as TObject).properties)) {
      const variable = environmentName(areaName, name);
      known.add(variable);
      const value = env[variable];
      if (value !== undefined) fields[name] = fromText(variable, value, field as FieldShape);
    }
  }
  for (const variable of Object.keys(env)) {
    if (variable.startsWith('LINESIDE_') && !known.has(variable) && !variable.startsWith('LINESIDE_TEST_')) {
      throw new SettingsError(`${variable} is not a setting; docs/settings.md lists them all.`);
    }
  }
  return checkSettings(tree);
}

/** Fills in defaults and checks. `tree` holds areas, each an object of settings. Throws SettingsError. */
export function checkSettings(tree: unknown): Settings {
  const filled = Value.Default(settingsSchema, withClientDefaults(structuredClone(tree)));
  const [first] = Value.Errors(settingsSchema, filled);
  if (first !== undefined) {
    const path = first.instancePath.slice(1).replaceAll('/', '.');
    // An unknown name fails against the schema "false", whose own message tells an operator nothing.
    if (first.keyword === 'boolean') {
      throw new SettingsError(`"${path}" is not a setting; docs/settings.md lists them all.`);
    }
    const extra = 'additionalProperties' in first.params ? ` (${String(first.params.additionalProperties)})` : '';
    throw new SettingsError(
      `The setting ${path === '' ? 'file' : `"${path}"`} cannot be used: it ${grammar(first.message)}${extra}.`,
    );
  }
  const settings = filled as Settings;
  const fault = faultOf(settings);
  if (fault !== null) throw new SettingsError(`The setting "${fault.name}" cannot be used: it ${fault.must}.`);
  return settings;
}

/** The schema library says "must be integer". */
function grammar(message: string): string {
  return message
    .replace(/^must be (?=(integer|array|object)$)/, 'must be an ')
    .replace(/^must be (?=(string|number|boolean)$)/, 'must be a ');
}

/** Defaults inside a record of objects are not filled in by the schema library. What is no object is left for the check to name. */
function withClientDefaults(tree: unknown): unknown {
  const clients = (tree as { api?: { clients?: unknown } } | null)?.api?.clients;
  if (typeof clients !== 'object' || clients === null) return tree;
  for (const client of Object.values(clients)) Value.Default(clientSchema, client);
  return tree;
}

function readFile(file: string): Tree {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SettingsError(
      `The settings file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown fault'}.`,
    );
  }
  let tree: unknown;
  try {
    tree = parseYaml(content) ?? {};
  } catch (error) {
    throw new SettingsError(
      `The settings file ${file} is not YAML: ${(error as Error).message.split('\n')[0]?.replace(/[.:]+$/, '')}.`,
    );
  }
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree))
    throw new SettingsError(`The settings file ${file} must hold areas such as "sip:".`);
  for (const [name, value] of Object.entries(tree)) {
    if (!(name in areas)) throw new SettingsError(`The settings file ${file} has an unknown area "${name}".`);
    if (value === null) (tree as Record<string, unknown>)[name] = {};
    else if (typeof value !== 'object' || Array.isArray(value))
      throw new SettingsError(`The area "${name}" in ${file} must hold settings.`);
  }
  return tree as Tree;
}

function fromText(variable: string, value: string, field: FieldShape): unknown {
  switch (field.type) {
    case 'integer': {
      if (!/^-?\d{1,15}$/.test(value)) throw new SettingsError(`${variable} must be a whole number.`);
      return Number(value);
    }
    case 'boolean': {
      if (value !== 'true' && value !== 'false') throw new SettingsError(`${variable} must be true or false.`);
      return value === 'true';
    }
    case 'array':
      if (field.items?.type === 'object')
        throw new SettingsError(`${variable} cannot be set from the environment; use the settings file.`);
      return value
        .split(',')
        .map(item => item.trim())
        .filter(item => item !== '');
    case 'object':
      throw new SettingsError(`${variable} cannot be set from the environment; use the settings file.`);
    default:
      return value;
  }
}
