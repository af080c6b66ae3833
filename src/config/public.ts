/** How the installation is seen from outside. */
import { area, text } from './area.ts';

export const publicArea = area('Seen from outside', {
  url: text('Public base URL: CloudEvents source, Location, channel URLs. Empty: made from `api.host` and `api.port`.'),
});
