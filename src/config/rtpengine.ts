/** Settings of the media engine that runs outside: a pool of rtpengine daemons. */
import { area, integer, list, text } from './area.ts';

export const rtpengine = area('rtpengine (media, when `media.engine` is `rtpengine`; see rtpengine.md)', {
  daemons: list(
    'Daemons: address:port of their ng socket, and `=WEIGHT` behind it for one that shall have more calls than another, such as `10.0.0.5:2223=2`. Private addresses only: the protocol knows no passwords.',
  ),
  callsPerDaemon: integer(
    'Calls one daemon takes, for each unit of its weight, before new ones are refused.',
    500,
    1,
    100_000,
  ),
  webInterface: text('Name of the daemons’ interface towards browsers.', 'web'),
  imsInterface: text('Name of the daemons’ interface towards the core.', 'ims'),
  realmInterfaces: list(
    'Realms whose calls meet the core on another interface of the daemons: REALM=INTERFACE, such as `partner=peering`.',
  ),
  versions: list(
    'Versions to be used besides those known to be without CVE-2025-53399, by the name the daemon gives itself, such as `rtpengine-12-5-1-40`.',
  ),
});
