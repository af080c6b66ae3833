/** The demo operator's pages: choose a subscriber, or type number and PIN; and its error page. */
import { createHash } from 'node:crypto';
import { subscribers } from './subscriber.ts';

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6877;--back:#f3f5f8;--card:#fff;--line:#d5dbe3;--act:#0b5cad;--on-act:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#9aa6b6;--back:#12161c;--card:#1b212a;--line:#343d4a;--act:#6fb3f5;--on-act:#10151b}}
*{box-sizing:border-box}
body{margin:0;padding:1rem 0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:min(26rem,92vw);background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.5rem}
h1{font-size:1.3rem;margin:0 0 .25rem}p{margin:.25rem 0 1rem;color:var(--soft)}
form{margin:0 0 .5rem}button,input{font:inherit;width:100%;padding:.6rem .8rem;border-radius:8px;border:1px solid var(--line);background:transparent;color:inherit}
button{cursor:pointer;display:flex;justify-content:space-between}button:hover,button:focus-visible,input:focus-visible{outline:2px solid var(--act);outline-offset:1px}
button.main{justify-content:center;background:var(--act);border-color:transparent;color:var(--on-act);font-weight:600;margin-top:1rem}
::placeholder{color:var(--soft);opacity:1}label{display:block;margin:.5rem 0 .2rem}hr{border:0;border-top:1px solid var(--line);margin:1rem 0}.error{color:#c0352b}
@media(prefers-color-scheme:dark){.error{color:#ff8a80}}`;

/** Content-Security-Policy of these pages; `formTargets` are the origins a sign-in may end at. */
export function policyOf(formTargets: readonly string[]): string {
  const style = createHash('sha256').update(STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${style}'; form-action 'self' ${formTargets.join(' ')}; base-uri 'none'; frame-ancestors 'none'`;
}

/** The sign-in page of one interaction; `problem` is a sentence shown above the form, or null. */
export function signInPage(uid: string, problem: string | null): string {
  const action = `/interaction/${encodeURIComponent(uid)}`;
  const choices = subscribers
    .map(
      ({ number, name }) =>
        `<form method="post" action="${action}"><input type="hidden" name="number" value="${number}"><input type="hidden" name="choice" value="1"><button data-testid="subscriber-${number}"><span>${name}</span><span>${number}</span></button></form>`,
    )
    .join('\n');
  const error = problem === null ? '' : `<p class="error" role="alert">${escapeHtml(problem)}</p>`;
  return page(
    'Sign in',
    `<p>This is the demo operator of the sandbox. Choose a subscriber. A sign-in like this lies outside the CAMARA profile, in which the network itself says who somebody is.</p>
${error}
${choices}
<hr>
<form method="post" action="${action}">
<label for="number">Number</label><input id="number" name="number" inputmode="tel" autocomplete="username" placeholder="+15550100001" required maxlength="20">
<label for="pin">PIN (000 and the last digit of the number)</label><input id="pin" name="pin" type="password" inputmode="numeric" autocomplete="current-password" required maxlength="8">
<button class="main">Sign in</button></form>`,
  );
}

export function errorPage(sentence: string): string {
  return page('This did not work', `<p role="alert">${escapeHtml(sentence)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title} - demo operator</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}
