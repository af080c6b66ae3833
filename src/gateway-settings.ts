/** From the operator's settings to what the core and the media plane take as arguments. */
import { availableParallelism } from 'node:os';
import { realmFinder, realmsOf } from './config/realm.ts';
import type { Settings } from './config/settings.ts';
import { MEDIA_DEFAULTS, type MediaSettings } from './eims-agw/settings.ts';
import { type CoreSettings, coreSettings } from './ep-cscf/settings.ts';

/** More are taken only when the operator says so. */
const MAX_OWN_WORKERS = 8;

export function coreSettingsOf({ registration, ims, call, emergency }: Settings): CoreSettings {
  const realmOf = realmFinder(realmsOf(ims));
  return coreSettings(ims.home, {
    registration: {
      ttlMinMs: registration.ttlMinMs,
      ttlDefaultMs: registration.ttlDefaultMs,
      ttlMaxMs: registration.ttlMaxMs,
      devicesPerUser: registration.devicesPerUser,
      perNumber: registration.perNumber,
      perUser: registration.perUser,
    },
    ims: { expiresS: ims.registerExpiresS, registerGuardMs: registration.networkBudgetMs, reclaim: ims.reclaim },
    realm: { homeOf: number => realmOf(number)?.home ?? null },
    call: {
      originateGuardMs: call.originateGuardMs,
      callerReadyMs: call.callerReadyMs,
      ringGuardMs: call.ringGuardMs,
      invitationMs: call.invitationMs,
      mediaSetupMs: call.mediaSetupMs,
      reofferGuardMs: call.reofferMs,
      maxDurationMs: call.maxDurationMs,
      perRegistration: call.perRegistration,
      perNumber: call.perNumber,
      declineMode: call.declineMode,
      sendLocation: call.sendLocation,
    },
    emergency: {
      enabled: emergency.route !== 'reject',
      numbers: emergency.numbers,
      beyondQuota: emergency.beyondQuota,
    },
  });
}

export function mediaSettingsOf({ media, sip }: Settings): MediaSettings {
  return {
    ...MEDIA_DEFAULTS,
    srtp: media.srtp,
    webCodecs: media.webCodecs,
    imsCodecs: media.imsCodecs,
    workers: media.workers || workersHere(media.webPortMax - media.webPortMin + 1),
    sessionsPerWorker: media.sessionsPerWorker,
    shedLagMs: media.shedLagMs,
    web: {
      bind: media.webHost,
      advertise: media.webAdvertisedHost || media.webHost,
      ports: { min: media.webPortMin, max: media.webPortMax },
    },
    ims: {
      bind: media.imsHost,
      advertise: media.imsAdvertisedHost || media.imsHost,
      ports: { min: media.imsPortMin, max: media.imsPortMax },
      mediaPrefixes: media.prefixes,
      natLatch: media.imsNatLatch,
    },
    signallingPorts: [sip.port],
    imsSilentMs: media.imsSilentMs,
    webGraceMs: media.webGraceMs,
    webLeftMs: media.webLeftMs,
  };
}

/** One core is left to signalling, and each worker needs a port towards browsers. */
function workersHere(ports: number): number {
  return Math.max(1, Math.min(MAX_OWN_WORKERS, availableParallelism() - 1, ports));
}
