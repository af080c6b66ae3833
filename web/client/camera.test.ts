/** The camera of a call: what is opened is closed again, whatever comes between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCamera } from './camera.ts';
import type { Environment } from './environment.ts';

/** Cameras that open when the test says so. */
function rig() {
  const asked: Array<() => void> = [];
  const tracks: Array<{ enabled: boolean; stopped: boolean }> = [];
  const openCamera = () =>
    new Promise(resolve =>
      asked.push(() => {
        const track = {
          enabled: true,
          stopped: false,
          stop() {
            track.stopped = true;
          },
        };
        tracks.push(track);
        resolve({ getVideoTracks: () => [track] });
      }),
    );
  const camera = createCamera({ openCamera } as unknown as Environment);
  const opened = async <T>(work: Promise<T>): Promise<T> => {
    asked.shift()?.();
    return work;
  };
  return { camera, tracks, opened };
}

test('a camera that opens when its call is over is closed at once', async () => {
  const { camera, tracks, opened } = rig();
  await opened(camera.open(true));
  const changed = camera.change(true, undefined);
  camera.close();
  await opened(changed);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [true, true],
  );
  assert.equal(camera.track, null);
});

test('a camera that is asked for twice at once is opened once', async () => {
  const { camera, tracks, opened } = rig();
  const both = [camera.open(true), camera.open(true)];
  await opened(Promise.resolve());
  const [one, other] = await Promise.all(both);
  assert.equal(one, other);
  assert.equal(tracks.length, 1);
});

test('a camera that the connection does not take is closed, and the one before goes on', async () => {
  const { camera, tracks, opened } = rig();
  const first = await opened(camera.open(true));
  const sender = { replaceTrack: () => Promise.reject(new Error('not taken')) } as unknown as RTCRtpSender;
  await assert.rejects(opened(camera.change(true, sender)), /not taken/);
  assert.deepEqual(
    tracks.map(({ stopped }) => stopped),
    [false, true],
  );
  assert.equal(camera.track, first);
});
