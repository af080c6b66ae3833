/** `GET <base path>/openapi.json`: each API describes itself, to anybody. */
import { openApiDocument } from './openapi.ts';
import type { Api, Operation } from './operation.ts';

/** The API with one more operation, which no document lists. `apiRoot` is asked once, at the first request. */
export function withDocument(api: Api, apiRoot: () => string): Api {
  let document: Record<string, unknown> | null = null;
  const operation: Operation = {
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document.',
    description: 'OpenAPI 3.0.',
    scopes: [],
    success: { status: 200, description: 'The document.' },
    errors: [],
    run: () => {
      document ??= openApiDocument(api, apiRoot(), api.basePaths[0] ?? '');
      return { ok: true, status: 200, body: document };
    },
  };
  return { ...api, operations: [...api.operations, operation] };
}
