/** Chromium with a camera over rtpengine, which has a transport for the picture beside that of the sound. */
import { rtpengineDaemon } from '../support/rtpengine.ts';
import { openStage, type Stage } from './browser-support.ts';
import { browserVideo } from './browser-video.ts';

browserVideo('127.0.0.74', async (host, media): Promise<Stage> => {
  const daemon = await rtpengineDaemon('127.0.71.21', 26_200);
  const stage = await openStage(host, {
    media: { engine: 'rtpengine', ...media },
    rtpengine: { daemons: [daemon.name] },
  });
  return {
    ...stage,
    async close() {
      await stage.close();
      await daemon.close();
    },
  };
});
