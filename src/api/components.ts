/** The named schemas of an OpenAPI document. What stands in an answer or an event is open, as published: a field may be added to it. Requests stay closed. */
import type { TSchema } from 'typebox';

export type Json = Record<string, unknown>;

export interface Components {
  /** A reference to the schema, or a copy where it has no name. */
  ofRequest(schema: unknown): unknown;
  ofAnswer(schema: unknown): unknown;
  /** All that was referred to, by name. */
  all(): Json;
}

export function createComponents(): Components {
  const named = new Map<string, { schema: Json; open: boolean }>();

  /** Each titled schema stands under its title and is referred to. Alternatives of ours exclude each other. */
  function refer(schema: unknown, open: boolean): unknown {
    if (Array.isArray(schema)) return schema.map(item => refer(item, open));
    if (typeof schema !== 'object' || schema === null) return schema;
    const { title, ...rest } = schema as TSchema & { title?: string };
    const copy = Object.fromEntries(
      Object.entries(rest)
        .filter(([key, value]) => !(open && key === 'additionalProperties' && value === false))
        .map(([key, value]) => [key === 'anyOf' ? 'oneOf' : key, refer(value, open)]),
    );
    if (title === undefined) return copy;
    // What both take is open: programs made from the document read answers with it.
    if (open || named.get(title)?.open !== true) named.set(title, { schema: copy, open });
    return { $ref: `#/components/schemas/${title}` };
  }

  return {
    ofRequest: schema => refer(schema, false),
    ofAnswer: schema => refer(schema, true),
    all: () =>
      Object.fromEntries([...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { schema }]) => [name, schema])),
  };
}
