/** Schemas of webrtc-registration v0.4. CAMARA digest 4. */
import { type Static, Type } from 'typebox';
import { dateTime, deviceId, id, phoneNumber, strictObject, words } from './common.ts';

export const regSessionRequest = strictObject('RegSessionRequest', 'A device to be registered.', {
  deviceId,
  phoneNumber: Type.Optional(phoneNumber),
  registrationExpireTime: Type.Optional(
    dateTime('Asked end of the registration: cut to the longest life, refused below the shortest.'),
  ),
});

export const regSessionUpdate = strictObject('RegSessionUpdate', 'A new end for a registration.', {
  registrationExpireTime: Type.Optional(
    dateTime('Asked end of the registration; without it the default life begins anew.'),
  ),
});

const registrationInformation = strictObject('RegistrationInformation', 'What is registered.', {
  phoneNumber,
  regStatus: words('RegistrationStatus', 'A registration that can be seen is in force.', ['Registered']),
});

export const regSessionResponse = strictObject('RegSessionResponse', 'A registration in force.', {
  registrationId: id('Names the registration in later requests.'),
  regInfo: registrationInformation,
  expiresAt: dateTime('When it ends; refresh it about two minutes earlier.'),
});

export const regSessionList = Type.Array(regSessionResponse, { maxItems: 10 });

export type RegSessionRequest = Static<typeof regSessionRequest>;
export type RegSessionUpdate = Static<typeof regSessionUpdate>;
export type RegSessionResponse = Static<typeof regSessionResponse>;
