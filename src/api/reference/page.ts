/** The reference of one API, made from its OpenAPI document, to be read without any script. */
import { type Html, html, prose } from './html.ts';
import { type Schema, schemaSection, typeOf } from './schema.ts';

interface Body {
  content?: Readonly<Record<string, { schema?: Schema }>>;
}
interface Response extends Body {
  description: string;
}
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}
interface Callback {
  post: { summary: string; description: string; requestBody: Body };
}
interface DocumentedOperation {
  operationId: string;
  summary: string;
  description: string;
  parameters: readonly Parameter[];
  security: ReadonlyArray<Readonly<Record<string, readonly string[]>>>;
  requestBody?: Body & { required: boolean };
  responses: Readonly<Record<string, Response>>;
  callbacks?: Readonly<Record<string, Readonly<Record<string, Callback>>>>;
}

export interface ApiDocument {
  info: { title: string; description: string; version: string };
  paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
}

/** One API as the list of all shows it. `name` is its place below `/docs/`. */
export interface Listed {
  name: string;
  base: string;
  document: ApiDocument;
}

/** Every API of this gateway. */
export function listPage(apis: readonly Listed[]): string {
  return frame(
    'APIs of this gateway',
    html`<p>Made from the documents the gateway checks its requests with. Each is also there for programs, as OpenAPI 3.0.</p>
<dl>${apis.map(
      ({ name, base, document: { info } }) =>
        html`<dt><a href="/docs/${name}">${info.title}</a> ${info.version}</dt><dd>${prose(info.description)} <a href="${base}/openapi.json">openapi.json</a></dd>
`,
    )}</dl>`,
  );
}

/** The reference of one API served below `base`. */
export function apiPage({ base, document: { info, paths, components } }: Listed): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  return frame(
    info.title,
    html`<p><a href="/docs">All APIs</a> · version ${info.version} · <code>${base}</code> · <a href="${base}/openapi.json">openapi.json</a></p>
<p>${prose(info.description)}</p>
<nav aria-label="Operations"><ul>${operations.map(
      ({ method, path, operation }) =>
        html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a> ${operation.summary}</li>
`,
    )}</ul></nav>
<h2>Operations</h2>
${operations.map(({ method, path, operation }) => operationSection(method, path, operation))}
<h2>Schemas</h2>
${Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema))}`,
  );
}

/** What a request has to show. */
function needs(security: DocumentedOperation['security']): Html {
  if (security.length === 0) return html`No token.`;
  if (security.some(one => 'visitorToken' in one)) return html`A visitor token.`;
  const scopes = security.flatMap(({ openId = [] }) => openId);
  return html`Scopes: ${scopes.map((scope, i) => html`${i === 0 ? '' : ', '}<code>${scope}</code>`)}`;
}

function operationSection(method: string, path: string, operation: DocumentedOperation): Html {
  const { operationId, summary, description, parameters, security, requestBody, responses, callbacks = {} } = operation;
  return html`<section id="${operationId}"><h3><code>${method} ${path}</code></h3><p><b>${summary}</b> ${prose(description)}</p>
<p>${needs(security)}</p>
<ul>${parameters.map(
    ({ name, in: place, required, description: said = '', schema }) =>
      html`<li><code>${name}</code> (${place}${required === true ? ', required' : ''}): ${typeOf(schema)}. ${prose(said)}</li>
`,
  )}${requestBody === undefined ? '' : html`<li>Body${requestBody.required ? '' : ' (may be left out)'}: ${bodyOf(requestBody)}</li>`}</ul>
<table><thead><tr><th scope="col">answer</th><th scope="col">body</th><th scope="col">when</th></tr></thead><tbody>
${Object.entries(responses).map(
  ([
    status,
    response,
  ]) => html`<tr><td>${status}</td><td>${bodyOf(response)}</td><td>${prose(response.description)}</td></tr>
`,
)}</tbody></table>
${Object.entries(callbacks).flatMap(([, places]) =>
  Object.entries(places).map(
    ([place, { post }]) =>
      html`<h4>Events, posted to <code>${place}</code></h4><p>${prose(post.description)} ${bodyOf(post.requestBody)}</p>`,
  ),
)}
</section>
`;
}

function bodyOf({ content = {} }: Body): Html {
  return html`${Object.entries(content).map(
    ([type, { schema }]) =>
      html`${schema === undefined ? '' : typeOf(schema)}${type === 'application/json' ? '' : html` as <code>${type}</code>`}`,
  )}`;
}

function frame(title: string, main: Html): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title} · Lineside</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><main><h1>${title}</h1>
${main}
</main></body></html>
`.html;
}

export const STYLE = `:root { color-scheme: light dark; --ink: #18202b; --soft: #55606f; --back: #ffffff; --key: #eef2f6; --line: #cfd7e1; --act: #0b5cad;
  font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf2; --soft: #a9b4c3; --back: #0f1318; --key: #242c37; --line: #364150; --act: #7ab8f5; }
}
body { margin: 0; padding: 1rem; }
main { max-width: 60rem; margin: 0 auto; overflow-wrap: break-word; }
a { color: var(--act); }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; background: var(--key); border-radius: 0.25rem; padding: 0.1em 0.3em; }
a code { color: inherit; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
section { margin: 1.5rem 0; scroll-margin-top: 1rem; }
section:target > h3 { text-decoration: underline; }
b { font-weight: 600; }
dd { margin: 0 0 0.75rem; }
ul { padding-left: 1.2rem; }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); }
  table, tbody { display: block; }
  tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; padding: 0; border: 0; }
}
`;
