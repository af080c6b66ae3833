/** Holds an event against the schema that its API's document shows for it. */
import assert from 'node:assert/strict';
import { Ajv, type ValidateFunction } from 'ajv';
import { notificationsOf } from '../../src/api/schemas/cloud-event.ts';
import type { Write } from '../../src/ep-cscf/effect.ts';

const ajv = new Ajv({
  strict: false,
  formats: { 'date-time': true, 'uri-reference': true, int32: true, float: true, uuid: true },
});
const compiled = new Map<string, ValidateFunction>();

/** Throws AssertionError when no document tells of such an event. */
export function checkEvent(event: { type: string }): void {
  const [, api = ''] = /^org\.camaraproject\.([a-z-]+)\.v0\.[a-z-]+$/.exec(event.type) ?? [];
  const validate = compiled.get(api) ?? ajv.compile({ oneOf: notificationsOf(api) });
  compiled.set(api, validate);
  assert.ok(validate(event), `${event.type}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(event)}`);
}

/** Every event among what is to be stored: whatever way it leaves by, it stands there first. */
export function checkOwed(writes: readonly Write[]): void {
  for (const write of writes) {
    if (write.op === 'put' && write.kind === 'outbox') checkEvent(JSON.parse((write.value as { body: string }).body));
  }
}
