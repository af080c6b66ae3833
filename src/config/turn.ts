/** Settings of the STUN and TURN servers that browsers are told of. */
import { area, integer, list, text } from './area.ts';

export const turn = area('STUN and TURN servers for browsers', {
  urls: list(
    'Servers given to browsers, such as turn:turn.example:3478?transport=udp or turns:turn.example:443?transport=tcp; empty gives none.',
  ),
  secret: text(
    'Secret shared with the TURN servers (`static-auth-secret` of coturn), 16 characters or more; better in a file of its own.',
  ),
  secretFile: text('File that holds the secret and nothing else; read again on SIGHUP.'),
  ttlS: integer('Life of a credential. A relay that was opened with it goes on after its end.', 3600, 600, 3600),
  ratePerUser: integer('Credentials that one user may ask for in a minute.', 30, 1, 6000),
});
