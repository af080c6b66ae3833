/** Settings of what the web side offers (WWSF): the pages and their sign-in. */
import { area, flag, integer, text } from './area.ts';

export const web = area('Pages and sign-in (WWSF)', {
  enabled: flag('Serve the pages and their sign-in.', false),
  issuer: text('Identity provider of the sign-in.'),
  clientId: text('client_id of the pages’ back end.', 'lineside-web'),
  clientSecretFile: text('File that holds the client secret.'),
  clientSecret: text('Client secret; prefer `web.clientSecretFile`.'),
  sessionMs: integer('Life of a sign-in session.', 43_200_000, 60_000),
  pagesDir: text('Folder of the built pages.', 'web/dist'),
});
