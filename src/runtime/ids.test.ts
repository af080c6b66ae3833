/** Ids carry their shard and look as the APIs say. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { createIds, shardOfId } from './ids.ts';

const ids = createIds(randomBytes);

test('every kind of id gives its shard back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1023 }), shard => {
      for (const id of [ids.registration(shard), ids.mediaSession(shard), ids.binding(shard), ids.call(shard)]) {
        assert.equal(shardOfId(id), shard, id);
      }
    }),
  );
});

test('A-29 2.5 registration ids are UUIDv4 and media session ids are 43 characters of base64url', () => {
  assert.match(ids.registration(77), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(ids.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(ids.mediaSession(1023), /^[A-Za-z0-9_-]{43}$/);
  assert.match(ids.binding(0), /^b[a-z2-7]{26}$/);
  assert.equal(shardOfId('somebody'), null);
});

test('refs never repeat', () => {
  const seen = new Set(Array.from({ length: 1000 }, () => ids.ref()));
  assert.equal(seen.size, 1000);
});
