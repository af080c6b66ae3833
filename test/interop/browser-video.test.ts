/** Chromium with a camera over the relay. */
import { openStage } from './browser-support.ts';
import { browserVideo } from './browser-video.ts';

browserVideo('127.0.0.72', (host, media) => openStage(host, { media }));
