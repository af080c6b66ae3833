/** Settings of the listener for the CAMARA APIs and the pages, of its paths and its limits. */
import { Type } from 'typebox';
import { area, flag, integer, list, text } from './area.ts';

export const clientSchema = Type.Object({
  origins: Type.Array(Type.String(), { default: [] }),
  numbers: Type.Array(Type.String(), { default: [] }),
});

export const api = area('CAMARA APIs', {
  host: text('Address the API listener is bound to.', '127.0.0.1'),
  port: integer('Port of the API listener; 0 lets the system choose.', 9091, 0, 65535),
  registrationPaths: list('Base paths of webrtc-registration.', ['/webrtc-registration/v0.4rc1']),
  callHandlingPaths: list('Base paths of webrtc-call-handling.', ['/webrtc-call-handling/v0.4rc1']),
  eventsPaths: list('Base paths of webrtc-events-subscriptions.', ['/webrtc-events-subscriptions/v0.3rc1']),
  registrationV03Paths: list(
    'Base paths of webrtc-registration v0.3 (CAMARA r2.2), such as /webrtc-registration/v0.3.',
  ),
  callHandlingV03Paths: list(
    'Base paths of webrtc-call-handling v0.3 (CAMARA r2.2), such as /webrtc-call-handling/v0.3.',
  ),
  eventsV02Paths: list('Base paths of webrtc-events v0.2 (CAMARA r2.2), such as /webrtc-events/v0.2.'),
  channelsPaths: list('Base paths of webrtc-notification-channels.', ['/webrtc-notification-channels/v0.1']),
  iceServersPaths: list('Base paths of webrtc-ice-servers.', ['/webrtc-ice-servers/v0.1']),
  clickToCallPaths: list('Base paths of webrtc-click-to-call.', ['/webrtc-click-to-call/v0.1']),
  docs: flag('Serve the reference of the APIs as pages, at /docs.', true),
  bodyLimitBytes: integer('Largest request body.', 262_144, 1024),
  ratePerClient: integer('Requests per second of one client_id.', 100, 1),
  ratePerUser: integer('Requests per second of one user.', 50, 1),
  ratePerAddress: integer('Requests per second of one source address, before the token is looked at.', 300, 1),
  trustProxy: list('Proxies whose X-Forwarded-For is believed, as CIDR prefixes.'),
  clients: Type.Record(Type.String(), clientSchema, {
    default: {},
    description: 'What is known of each client_id: web origins it may call from, numbers allotted for two-legged use.',
  }),
});
