/** The older line took what it did not know: an operation of today behind a body that is read the old way. CAMARA digest 9. */
import type { TSchema } from 'typebox';
import type { JsonObject } from '../json.ts';
import type { Call, Operation } from '../operation.ts';

/** The body as today's operation wants it. Names that mean nothing are left out, wrong values are left for its own check. */
type Adapt = (body: JsonObject) => JsonObject;

/** The same operation for the older line. `schema` describes the body it takes. */
export function loosen(operation: Operation, schema: TSchema, adapt: Adapt): Operation {
  const { body, agree, run } = operation;
  const adapted = (call: Call): Call => (call.body === null ? call : { ...call, body: adapt(call.body) });
  return {
    ...operation,
    ...(body === undefined ? {} : { body: { ...body, schema, check: given => body.check(adapt(given)) } }),
    ...(agree === undefined ? {} : { agree: call => agree(adapted(call)) }),
    run: call => run(adapted(call)),
  };
}

/** These names of a body and no others. */
export function pick(body: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.flatMap(name => (Object.hasOwn(body, name) ? [[name, body[name]]] : [])));
}

/** The operation with this id. */
export function operationNamed(operations: readonly Operation[], id: string): Operation {
  const found = operations.find(operation => operation.id === id);
  if (found === undefined) throw new Error(`There is no operation ${id}.`);
  return found;
}
