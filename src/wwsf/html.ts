/** Headers of everything the pages serve, and the page that says in plain words what went wrong. */

/** Content-Security-Policy of the pages: our own files only, nothing inline; sound from our own streams. `publicUrl` names our WebSocket too. */
function pagePolicy(publicUrl: string): string {
  const socket = new URL(publicUrl);
  socket.protocol = socket.protocol === 'https:' ? 'wss:' : 'ws:';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self' blob:",
    `connect-src 'self' ${socket.origin === 'null' ? `${socket.protocol}//${socket.host}` : socket.origin}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export function pageHeaders(publicUrl: string): Record<string, string> {
  return {
    'content-security-policy': pagePolicy(publicUrl),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'microphone=(self), camera=(self), geolocation=()',
    'cross-origin-opener-policy': 'same-origin',
  };
}

/** A page with one sentence and one way on. Both texts are our own; they are escaped all the same. */
export function messagePage(title: string, sentence: string, way: { href: string; text: string }): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title></head>
<body><main><h1>${escapeHtml(title)}</h1><p role="alert">${escapeHtml(sentence)}</p>
<p><a href="${escapeHtml(way.href)}">${escapeHtml(way.text)}</a></p></main></body></html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}
