/** The shape of a settings area: one TypeBox object whose fields each carry a default and one sentence. */
import { type TObject, type TProperties, type TSchema, Type } from 'typebox';

/** Declares an area. Every field needs `default` and `description`; a unit stands in the field's name (`Ms`, `S`, `Bytes`). */
export function area<T extends TProperties>(description: string, fields: T): TObject<T> {
  return Type.Object(fields, { description, additionalProperties: false, default: {} });
}

/** A list of strings; from the environment it is read comma-separated. */
export function list(description: string, value: string[] = []) {
  return Type.Array(Type.String(), { default: value, description });
}

/** A whole number in a range. */
export function integer(description: string, value: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  return Type.Integer({ default: value, minimum, maximum, description });
}

export function text(description: string, value = '') {
  return Type.String({ default: value, description });
}

export function flag(description: string, value: boolean) {
  return Type.Boolean({ default: value, description });
}

/** A list of one or more of the given values; from the environment it is read comma-separated. */
export function choices<const T extends readonly string[]>(description: string, value: T[number][], values: T) {
  return Type.Unsafe<T[number][]>(
    Type.Array(Type.Enum([...values]), { minItems: 1, uniqueItems: true, default: value, description }),
  );
}

export function choice<const T extends readonly string[]>(description: string, value: T[number], values: T) {
  return Type.Unsafe<T[number]>(Type.Enum([...values], { default: value, description }));
}

/** The fields without their defaults, for a list whose items say only what differs from the area. */
export function inherited<F extends Record<string, TSchema>>(fields: F) {
  const open = Object.entries<TSchema>(fields).map(([name, schema]) => {
    const { default: _, ...bare } = schema as TSchema & { default?: unknown };
    return [name, Type.Optional(bare as TSchema)];
  });
  return Object.fromEntries(open) as { [K in keyof F]: ReturnType<typeof Type.Optional<F[K]>> };
}
