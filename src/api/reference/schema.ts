/** JSON Schemas of the OpenAPI documents as words and tables. */
import { type Html, html, prose } from './html.ts';

export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  description?: string;
  pattern?: string;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  oneOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  writeOnly?: boolean;
}

/** The name behind a reference, or null. */
function nameOf({ $ref }: Schema): string | null {
  return $ref === undefined ? null : ($ref.split('/').at(-1) ?? '');
}

/** What a value may be, in a few words; a named schema is a link to its table. */
export function typeOf(schema: Schema): Html {
  const name = nameOf(schema);
  if (name !== null) return html`<a href="#schema-${name}">${name}</a>`;
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}${limits(schema)}`;
  if (schema.oneOf !== undefined) {
    return html`one of ${schema.oneOf.map((option, i) => html`${i === 0 ? '' : ', '}${typeOf(option)}`)}`;
  }
  if (schema.enum !== undefined)
    return html`${schema.enum.map((word, i) => html`${i === 0 ? '' : ' | '}<code>${word}</code>`)}`;
  return html`${schema.type ?? 'any'}${schema.format === undefined ? '' : ` (${schema.format})`}${limits(schema)}`;
}

function limits(schema: Schema): Html {
  const { minimum, maximum, maxLength, minItems, maxItems, pattern } = schema;
  const said = [
    ...(minimum === undefined && maximum === undefined ? [] : [`${minimum ?? ''} … ${maximum ?? ''}`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(minItems === undefined && maxItems === undefined ? [] : [`${minItems ?? 0} to ${maxItems ?? 'any number'}`]),
  ];
  return html`${said.map(text => html`, ${text}`)}${pattern === undefined ? '' : html`, <code>${pattern}</code>`}`;
}

/** One table for each named schema. */
export function schemaSection(name: string, schema: Schema): Html {
  const { properties = {}, required = [], description = '' } = schema;
  const rows = Object.entries(properties);
  return html`<section id="schema-${name}"><h3>${name}</h3><p>${prose(description)}</p>
${
  rows.length === 0
    ? html`<p>${typeOf(schema)}</p>`
    : html`<table><thead><tr><th scope="col">property</th><th scope="col">what</th><th scope="col">meaning</th></tr></thead><tbody>
${rows.map(([property, value]) => row(property, value, required.includes(property)))}</tbody></table>`
}
</section>
`;
}

function row(property: string, schema: Schema, needed: boolean): Html {
  return html`<tr><td><code>${property}</code>${needed ? html` <b>required</b>` : ''}</td><td>${typeOf(schema)}</td><td>${prose(schema.description ?? '')}${
    schema.properties === undefined
      ? ''
      : html`<ul>${Object.entries(schema.properties).map(([name, inner]) => html`<li><code>${name}</code>: ${typeOf(inner)}</li>`)}</ul>`
  }</td></tr>
`;
}
