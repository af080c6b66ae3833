/** Which microphone, which camera and which speaker: the lists of the page, filled as far as the browser tells. */

export interface DeviceChoice {
  /** Reads the devices again; their names are known once the microphone was allowed. */
  refresh(): Promise<void>;
}

interface DeviceActions {
  microphone(deviceId: string): void;
  camera(deviceId: string): void;
  speaker(deviceId: string): void;
}

export function createDeviceChoice(
  microphone: HTMLSelectElement,
  camera: HTMLSelectElement,
  speaker: HTMLSelectElement,
  actions: DeviceActions,
): DeviceChoice {
  microphone.addEventListener('change', () => actions.microphone(microphone.value));
  camera.addEventListener('change', () => actions.camera(camera.value));
  speaker.addEventListener('change', () => actions.speaker(speaker.value));

  async function refresh(): Promise<void> {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    fill(microphone, devices, 'audioinput', 'Microphone');
    fill(camera, devices, 'videoinput', 'Camera');
    fill(speaker, devices, 'audiooutput', 'Speaker');
  }

  navigator.mediaDevices?.addEventListener('devicechange', () => void refresh());
  return { refresh };
}

/** Keeps the choice while its device is there, else goes back to the default one. */
function fill(select: HTMLSelectElement, devices: MediaDeviceInfo[], kind: MediaDeviceKind, word: string): void {
  const chosen = select.value;
  const found = devices.filter(
    device => device.kind === kind && device.deviceId !== '' && device.deviceId !== 'default',
  );
  const options = [option('', 'Default of this device')];
  for (const [n, device] of found.entries()) options.push(option(device.deviceId, device.label || `${word} ${n + 1}`));
  select.replaceChildren(...options);
  if (found.some(device => device.deviceId === chosen)) select.value = chosen;
  else if (chosen !== '') select.dispatchEvent(new Event('change'));
}

function option(value: string, text: string): HTMLOptionElement {
  const element = document.createElement('option');
  element.value = value;
  element.textContent = text;
  return element;
}
