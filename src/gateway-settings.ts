/** From the operator's settings to what the core and the media plane take as arguments. */
import { availableParallelism } from 'node:os';
import { parseAnnouncement } from './config/announcement.ts';
import { numbersIn } from './config/number-range.ts';
import { realmFinder, realmMediaOf, realmsOf } from './config/realm.ts';
import { parseDaemon, parseRealmInterface } from './config/rtpengine-sense.ts';
import type { Settings } from './config/settings.ts';
import {
  type ImsMedia,
  MEDIA_DEFAULTS,
  type MediaHost,
  type MediaSettings,
  type RtpengineSettings,
} from './eims-agw/settings.ts';
import type { BackOff } from './ep-cscf/back-off.ts';
import { type CoreSettings, coreSettings } from './ep-cscf/settings.ts';

/** How long failed registrations wait. */
export function backOffOf(registration: Settings['registration']): BackOff {
  const { backOffBaseMs: baseMs, backOffMaxMs: maxMs, backOffJitterPercent } = registration;
  return { baseMs, maxMs, jitter: backOffJitterPercent / 100 };
}

/** More are taken only when the operator says so. */
const MAX_OWN_WORKERS = 8;

export function coreSettingsOf({ registration, ims, call, emergency, clickToCall, media }: Settings): CoreSettings {
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
    ims: {
      expiresS: ims.registerExpiresS,
      registerGuardMs: registration.networkBudgetMs,
      reclaim: ims.reclaim,
      backOff: backOffOf(registration),
    },
    realm: { homeOf: number => realmOf(number)?.home ?? null, nameOf: number => realmOf(number)?.name },
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
      sipReceivers: call.sipReceivers,
      sendLocation: call.sendLocation,
      announcements: new Set(announcementsOf(media).keys()),
    },
    emergency: {
      enabled: emergency.route !== 'reject',
      numbers: emergency.numbers,
      beyondQuota: emergency.beyondQuota,
    },
    pool: {
      perSource: clickToCall.numbersPerAddress,
      quarantineMs: clickToCall.quarantineMs,
      pools: clickToCall.pools.map(({ id, clients, numbers, mainNumber }) => ({
        id,
        clients,
        numbers: numbers.flatMap(text => numbersIn(text) ?? []),
        mainNumber: mainNumber ?? null,
      })),
    },
  });
}

export function mediaSettingsOf({ media, sip, ims, rtpengine }: Settings): MediaSettings {
  return {
    ...MEDIA_DEFAULTS,
    engine: media.engine,
    rtpengine: rtpengineOf(rtpengine),
    srtp: media.srtp,
    webCodecs: media.webCodecs,
    imsCodecs: media.imsCodecs,
    workers: media.workers || workersHere(media.webPortMax - media.webPortMin + 1),
    sessionsPerWorker: media.sessionsPerWorker,
    videoKbps: media.video ? media.videoKbps : 0,
    shedLagMs: media.shedLagMs,
    web: {
      ...hostOf(media.webHost, media.webAdvertisedHost),
      ...otherOf(media.webHost6, media.webAdvertisedHost6),
      ports: { min: media.webPortMin, max: media.webPortMax },
    },
    ims: {
      ...imsMediaOf(realmMediaOf(media)),
      ports: { min: media.imsPortMin, max: media.imsPortMax },
    },
    realms: Object.fromEntries(
      realmsOf(ims).flatMap(({ name, media: own }) =>
        own === undefined ? [] : [[name, imsMediaOf(realmMediaOf(media, own))]],
      ),
    ),
    signallingPorts: [sip.port],
    announcements: Object.fromEntries(announcementsOf(media)),
    imsSilentMs: media.imsSilentMs,
    webGraceMs: media.webGraceMs,
    webLeftMs: media.webLeftMs,
  };
}

function rtpengineOf(settings: Settings['rtpengine']): RtpengineSettings {
  const { callsPerDaemon, webInterface, imsInterface, versions } = settings;
  const daemons = settings.daemons.flatMap(text => {
    const daemon = parseDaemon(text);
    return daemon === null ? [] : [{ ...daemon, calls: callsPerDaemon * daemon.weight }];
  });
  const realmInterfaces = Object.fromEntries(
    settings.realmInterfaces.flatMap(text => {
      const found = parseRealmInterface(text);
      return found === null ? [] : [found];
    }),
  );
  return { daemons, webInterface, imsInterface, realmInterfaces, versions };
}

function imsMediaOf(media: ReturnType<typeof realmMediaOf>): ImsMedia {
  const { imsHost, imsAdvertisedHost, imsHost6, imsAdvertisedHost6, imsPrefer, prefixes, imsNatLatch } = media;
  const first = hostOf(imsHost, imsAdvertisedHost);
  const { other } = otherOf(imsHost6, imsAdvertisedHost6);
  const codecs = { webCodecs: media.webCodecs, imsCodecs: media.imsCodecs };
  const rest = { mediaPrefixes: prefixes, natLatch: imsNatLatch, srtp: media.imsSrtp, ...codecs };
  if (other === undefined) return { ...first, ...rest };
  return imsPrefer === 'ipv6' ? { ...other, other: first, ...rest } : { ...first, other, ...rest };
}

function hostOf(bind: string, advertise: string): MediaHost {
  return { bind, advertise: advertise || bind };
}

function otherOf(bind: string, advertise: string): { other?: MediaHost } {
  return bind === '' ? {} : { other: hostOf(bind, advertise) };
}

function announcementsOf({ announcements }: Settings['media']): Map<string, string> {
  return new Map(announcements.map(parseAnnouncement).filter(found => found !== null));
}

/** One core is left to signalling, and each worker needs a port towards browsers. */
function workersHere(ports: number): number {
  return Math.max(1, Math.min(MAX_OWN_WORKERS, availableParallelism() - 1, ports));
}
