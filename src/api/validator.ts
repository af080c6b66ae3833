/** Compiles our TypeBox schemas with Ajv, once, and turns the first fault into a refusal that names the field and never its value. */
import { Ajv, type ErrorObject } from 'ajv';
import type { TSchema } from 'typebox';
import type { ErrorCode } from '../errors.ts';
import { parseDateTime } from './date-time.ts';
import { isUuid } from './field.ts';
import type { JsonObject } from './json.ts';
import type { Refusal } from './ports.ts';

/** Null when the body is good. */
export type BodyCheck = (body: JsonObject) => Refusal | null;

/** No coercion, no defaults, no removal: a body is right or it is refused. Length limits count code points. */
const ajv = new Ajv({
  strict: false,
  strictNumbers: true,
  allErrors: false,
  coerceTypes: false,
  useDefaults: false,
  removeAdditional: false,
  ownProperties: true,
  formats: {
    'date-time': (text: string) => parseDateTime(text) !== null,
    uuid: isUuid,
    uri: true,
    float: true,
    int32: true,
  },
});

/**
 * Compiles a schema. `codes` gives errors of their own to fields whose value (not its type) is wrong, by JSON pointer:
 * `{ '/protocol': 'invalid-protocol' }`.
 */
export function compile(schema: TSchema, codes: Readonly<Record<string, ErrorCode>> = {}): BodyCheck {
  const validate = ajv.compile(schema);
  return body => {
    if (validate(body)) return null;
    const [fault] = validate.errors ?? [];
    return fault === undefined ? { ok: false, error: 'invalid-argument' } : refusalOf(fault, codes);
  };
}

function refusalOf(fault: ErrorObject, codes: Readonly<Record<string, ErrorCode>>): Refusal {
  const field = fieldName(fault.instancePath);
  const wrongType = fault.keyword === 'type';
  const own = Object.hasOwn(codes, fault.instancePath) ? codes[fault.instancePath] : undefined;
  if (own !== undefined && !wrongType) return { ok: false, error: own };
  switch (fault.keyword) {
    case 'additionalProperties':
      return refuse(`The property ${quoted(join(field, String(fault.params['additionalProperty'])))} is unknown.`);
    case 'required':
      return refuse(`The property ${quoted(join(field, String(fault.params['missingProperty'])))} is missing.`);
    case 'minimum':
    case 'maximum':
      return { ok: false, error: 'out-of-range', message: `The value of ${quoted(field)} is out of range.` };
    case 'minProperties':
      return refuse(field === '' ? 'The body is empty.' : `${quoted(field)} is empty.`);
    case 'type':
      return refuse(`The value of ${quoted(field)} must be of type ${String(fault.params['type'])}.`);
    case 'maxLength':
    case 'maxItems':
      return refuse(`The value of ${quoted(field)} is too long.`);
    case 'minLength':
    case 'minItems':
      return refuse(`The value of ${quoted(field)} is too short.`);
    case 'format':
      return refuse(`The value of ${quoted(field)} ${mustBe(String(fault.params['format']))}.`);
    default:
      return refuse(`The value of ${quoted(field)} cannot be used.`);
  }
}

function mustBe(format: string): string {
  switch (format) {
    case 'uuid':
      return 'must be a UUID';
    case 'date-time':
      return 'must be a date and time with a zone (RFC 3339)';
    default:
      return 'cannot be used';
  }
}

function refuse(message: string): Refusal {
  return { ok: false, error: 'invalid-argument', message };
}

/** `/config/types/0` -> `config.types.0`. */
function fieldName(pointer: string): string {
  return pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

/** A name as it may be shown: an unknown one is the client's own text, so it is cut and stripped of all but plain characters. */
function quoted(name: string): string {
  return `"${name.slice(0, 96).replaceAll(/[^A-Za-z0-9_.$-]/g, '?')}"`;
}
