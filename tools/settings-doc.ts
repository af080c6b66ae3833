/** docs/settings.md is made from src/config: `--write` writes it, without it the page is checked to be up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { areas, environmentName } from '../src/config/settings.ts';

const FILE = 'docs/settings.md';

interface Field {
  type?: string;
  enum?: readonly string[];
  default?: unknown;
  items?: { type?: string };
  description?: string;
  minimum?: number;
  maximum?: number;
}

function page(): string {
  const lines = [
    '# Settings',
    '',
    'Made from `src/config/` by `npm run docs:settings`; do not edit by hand.',
    '',
    'Settings come from defaults, then one YAML file (`--config FILE`), then the environment. `node src/main.ts --config FILE --check` reads and checks them and starts nothing.',
    'A name that ends in `Ms` is in milliseconds, `S` in seconds, `Bytes` in bytes. Lists are comma-separated in the environment.',
    '',
  ];
  for (const [name, schema] of Object.entries(areas)) {
    lines.push(`## ${name}`, '', `${(schema as { description?: string }).description}.`, '');
    lines.push('| setting | environment | default | what |', '| --- | --- | --- | --- |');
    for (const [field, value] of Object.entries(schema.properties as Record<string, Field>)) {
      const fileOnly = value.type === 'object' || value.items?.type === 'object';
      const variable = fileOnly ? '(file only)' : `\`${environmentName(name, field)}\``;
      lines.push(
        `| \`${name}.${field}\` | ${variable} | ${shown(value.default)} | ${value.description}${range(value)} |`,
      );
    }
    lines.push('');
  }
  return lines.join('\n');
}

function shown(value: unknown): string {
  if (value === '') return '(empty)';
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(item => `\`${item}\``).join(', ');
  if (typeof value === 'object') return '(none)';
  return `\`${String(value)}\``;
}

function range(field: Field): string {
  if (field.enum !== undefined) return ` One of ${field.enum.map(item => `\`${item}\``).join(', ')}.`;
  if (field.maximum !== undefined && field.maximum < Number.MAX_SAFE_INTEGER)
    return ` ${field.minimum} to ${field.maximum}.`;
  return field.minimum !== undefined && field.minimum > 0 ? ` At least ${field.minimum}.` : '';
}

if (process.argv.includes('--write')) writeFileSync(FILE, page());
else {
  let present = '';
  try {
    present = readFileSync(FILE, 'utf8');
  } catch {
    // Absent: reported below like a page that is out of date.
  }
  if (present !== page()) {
    console.error(`${FILE} is not what src/config says; run "npm run docs:settings".`);
    process.exit(1);
  }
}
