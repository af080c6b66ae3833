/** Where the identity provider keeps codes, tokens and sessions: memory, bounded per kind, the oldest goes first. */
import type { Adapter, AdapterPayload } from 'oidc-provider';

const MAX_ROWS = 2000;

interface Row {
  payload: AdapterPayload;
  /** ms since the epoch. */
  expiresAt: number;
}

/** Makes the adapter of each kind for one provider; `now` in ms since the epoch. */
export function memoryAdapter(now: () => number = Date.now): (name: string) => Adapter {
  const kinds = new Map<string, Map<string, Row>>();

  function rowsOf(name: string): Map<string, Row> {
    let rows = kinds.get(name);
    if (rows === undefined) {
      rows = new Map();
      kinds.set(name, rows);
    }
    return rows;
  }

  function live(rows: Map<string, Row>, id: string): AdapterPayload | undefined {
    const row = rows.get(id);
    if (row === undefined) return undefined;
    if (row.expiresAt > now()) return row.payload;
    rows.delete(id);
    return undefined;
  }

  function search(rows: Map<string, Row>, field: 'uid' | 'userCode', value: string): AdapterPayload | undefined {
    for (const [id, row] of rows) if (row.payload[field] === value) return live(rows, id);
    return undefined;
  }

  return name => {
    const rows = rowsOf(name);
    return {
      async upsert(id, payload, expiresInS) {
        rows.delete(id);
        rows.set(id, { payload, expiresAt: expiresInS ? now() + expiresInS * 1000 : Number.POSITIVE_INFINITY });
        if (rows.size <= MAX_ROWS) return;
        for (const oldest of rows.keys()) {
          rows.delete(oldest);
          break;
        }
      },
      find: async id => live(rows, id),
      findByUid: async uid => search(rows, 'uid', uid),
      findByUserCode: async code => search(rows, 'userCode', code),
      async consume(id) {
        const payload = live(rows, id);
        if (payload !== undefined) payload.consumed = Math.floor(now() / 1000);
      },
      async destroy(id) {
        rows.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const kind of kinds.values())
          for (const [id, row] of kind) if (row.payload.grantId === grantId) kind.delete(id);
      },
    };
  };
}
