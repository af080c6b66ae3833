/** Chromium with a camera over rtpengine, which has a transport for the picture beside that of the sound. */
import { closeAll } from '../support/close-all.ts';
import { rtpengineDaemon } from '../support/rtpengine.ts';
import { openStage, type Stage } from './browser-support.ts';
import { browserVideo } from './browser-video.ts';

browserVideo('127.0.0.74', async (host, media): Promise<Stage> => {
  const daemon = await rtpengineDaemon('127.0.71.21', 26_200);
  const settings = { media: { engine: 'rtpengine', ...media }, rtpengine: { daemons: [daemon.name] } };
  const stage = await openStage(host, settings).catch(async fault => {
    await daemon.close();
    throw fault;
  });
  return { ...stage, close: () => closeAll([stage.close, daemon.close]) };
});
