/** Child process: the gateway's media plane and one worker, told about calls by its parent. */
import { MEDIA_DEFAULTS } from '../../src/eims-agw/settings.ts';
import { callId, legId, nextRef } from '../../test/support/media-inbox.ts';
import { type EngineName, realMedia } from '../../test/support/media-real.ts';

export type Asked =
  | { type: 'connect'; call: number; browserOffer: string; phoneAnswer: string }
  | { type: 'release'; call: number };
export interface Told {
  toBrowser: string;
  toPhone: string;
}

const LEG = legId('leg');
const [host = '', far = '', engine = 'relay', calls = '0'] = process.argv.slice(2);
const ims = { ...MEDIA_DEFAULTS.ims, bind: host, advertise: host, mediaPrefixes: [far] };
const media = await realMedia(host, { sessionsPerWorker: Number(calls), ims }, engine as EngineName);
const { run } = media.plane.port;
const say = (told: Told) => process.send?.(told);

async function obey(asked: Asked): Promise<Told> {
  const owner = callId(`bench-${asked.call}`);
  if (asked.type === 'release') {
    run({ type: 'media.release', owner });
    await media.box.wait('media-stats');
    return { toBrowser: '', toPhone: '' };
  }
  run({ type: 'media.offer', from: 'web', owner, ref: nextRef(), leg: LEG, sdp: asked.browserOffer });
  const toPhone = (await media.box.wait('media-ready')).sdp;
  run({ type: 'media.answer', from: 'ims', owner, ref: nextRef(), fork: 'phone', sdp: asked.phoneAnswer });
  const toBrowser = (await media.box.wait('media-ready')).sdp;
  run({ type: 'media.gate', owner, fromIms: true, fromWeb: true });
  return { toBrowser, toPhone };
}

process.on('message', (asked: Asked) => void obey(asked).then(say));
process.on('disconnect', () => void media.close().then(() => process.exit(0)));
say({ toBrowser: '', toPhone: '' });
