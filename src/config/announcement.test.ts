/** The announcements of the settings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnnouncement } from './announcement.ts';
import { checkSettings } from './settings.ts';

test('an announcement is a name that there is and a file', () => {
  assert.deepEqual(parseAnnouncement('404=/srv/a=b.wav'), ['404', '/srv/a=b.wav']);
  for (const name of ['ringing', 'maximum-duration', '486', '5xx'])
    assert.equal(parseAnnouncement(`${name}=/a.wav`)?.[0], name);
  for (const bad of ['', '404', '404=', '404=a.wav', '=/a.wav', '200=/a.wav', '3xx=/a.wav', 'ring=/a.wav'])
    assert.equal(parseAnnouncement(bad), null, bad);
});

test('announcements need an engine that plays, names that there are, and each once', () => {
  const fault = (announcements: string[], engine = 'rtpengine') => {
    try {
      checkSettings({ media: { engine, announcements }, rtpengine: { daemons: ['10.0.0.5:2223'] } });
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(fault(['ringing=/r.wav', '4xx=/a.wav']), null);
  assert.match(fault(['busy=/a.wav']) ?? '', /"media.announcements" cannot be used: it must hold NAME=\/FILE/);
  assert.match(fault(['404=/a.wav', '404=/b.wav']) ?? '', /each name once/);
  assert.match(fault(['404=/a.wav'], 'relay') ?? '', /the engine relay, which plays no files/);
});
