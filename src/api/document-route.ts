/** `GET <base path>/openapi.json`: each API describes itself, to anybody. */
import { openApiDocument } from './openapi.ts';
import type { Api, Operation } from './operation.ts';

/** The API with one more operation, which no document lists. `apiRoot` is asked at the first request for each base path. */
export function withDocument(api: Api, apiRoot: () => string): Api {
  const documents = new Map<string, Record<string, unknown>>();
  const operation: Operation = {
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    description: 'OpenAPI 3.0.',
    scopes: [],
    success: { status: 200, description: 'The document.' },
    errors: [],
    run: ({ base }) => {
      const document = documents.get(base) ?? openApiDocument(api, apiRoot(), base);
      documents.set(base, document);
      return { ok: true, status: 200, body: document };
    },
  };
  return { ...api, operations: [...api.operations, operation] };
}
