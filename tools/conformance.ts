/** docs/conformance.md against the tests: `--write` fills the column of proofs, without it the column is checked. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const FILE = 'docs/conformance.md';
const TESTS = '{src,sandbox,lab,web,test}/**/*.ts';
const NOT_YET = 'not yet';
/** The ids a test's name begins with, be it in a call or the title in a table of examples. */
const NAMED = /\b(?:(?:test|it)\(|title:)\s*['"`]((?:[A-Z]{1,3}-\d{2} )+)/g;
const ROW = /^\| ([A-Z]{1,3}-\d{2}) \| (.*) \|[^|]*\|$/;

/** Files that hold a test of each id, in the order of their names. */
function proofsIn(files: ReadonlyArray<readonly [path: string, text: string]>): Map<string, string[]> {
  const proofs = new Map<string, string[]>();
  for (const [path, text] of files)
    for (const [, ids = ''] of text.matchAll(NAMED))
      for (const id of ids.trim().split(' ')) {
        const known = proofs.get(id) ?? [];
        if (!known.includes(path)) proofs.set(id, [...known, path]);
      }
  return proofs;
}

/** The page with its column of proofs filled, and the ids that tests prove and no row asks for. */
function fill(page: string, proofs: ReadonlyMap<string, string[]>): { page: string; unknown: string[] } {
  const asked = new Set<string>();
  const lines = page.split('\n').map(line => {
    const [, id, said] = ROW.exec(line) ?? [];
    if (id === undefined) return line;
    asked.add(id);
    const links = (proofs.get(id) ?? []).map(path => `[${basename(path)}](../${path})`);
    return `| ${id} | ${said} | ${links.length === 0 ? NOT_YET : links.join(', ')} |`;
  });
  return { page: lines.join('\n'), unknown: [...proofs.keys()].filter(id => !asked.has(id)).sort() };
}

function main(): void {
  const files = globSync(TESTS, { exclude: path => path.includes('node_modules') }).sort();
  const before = readFileSync(FILE, 'utf8');
  const { page, unknown } = fill(before, proofsIn(files.map(path => [path, readFileSync(path, 'utf8')] as const)));
  if (unknown.length > 0) {
    console.error(`Tests prove ${unknown.join(', ')}, and ${FILE} has no such row.`);
    process.exitCode = 1;
  }
  if (process.argv.includes('--write')) writeFileSync(FILE, page);
  else if (page !== before) {
    console.error(`${FILE} does not say what the tests prove: run "node tools/conformance.ts --write".`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
