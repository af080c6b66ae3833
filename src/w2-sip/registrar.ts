/** REGISTER: a token and an instance become a registration of the number, as POST /sessions makes one. CAMARA digest 4, IMS digest 8. */

import { numberOf, parseAddress } from '../ep-cscf/address.ts';
import type { RegistrationView, Reply } from '../ep-cscf/api-request.ts';
import { isOwnAddress, maySee } from '../ep-cscf/identity.ts';
import type { DeviceId, E164 } from '../ep-cscf/ids.ts';
import type { Principal } from '../ep-cscf/words.ts';
import { type ExtraHeaders, formatNameAddr, type NameAddr, type Refusal, type SipRequest } from '../sip/index.ts';
import { addressOf, uriOf } from './address.ts';
import type { Device } from './device.ts';
import type { Devices } from './devices.ts';
import type { Flow } from './flow.ts';
import type { DoorNode } from './node.ts';
import type { Access } from './ports.ts';
import { refusal, refusalOf } from './refusal.ts';
import { type RegisterRequest, readRegister } from './register-request.ts';

export interface RegistrarDeps {
  node: DoorNode;
  devices: Devices;
  /** Home domain of a number, or null: it lives nowhere here. */
  homeOf(number: E164): string | null;
  /** Whether a client may act for a number by itself. */
  allotted(clientId: string, number: string): boolean;
  /** Shortest registration, in ms. */
  ttlMinMs: number;
}

/** The answer to a REGISTER with a good token. */
export type Register = (flow: Flow, request: SipRequest, access: Access) => Promise<Refusal>;

type Wanted = Extract<RegisterRequest, { deviceId: DeviceId }>;

export function createRegistrar(deps: RegistrarDeps): Register {
  const { node, devices } = deps;

  /** The number to register: the token's, or an allotted one; To has to name it. CAMARA digest 4.2, TS 33.203 REQ 2.4. */
  function numberFor({ headers }: SipRequest, { clientId, legs, number }: Principal): E164 | null {
    const named = addressOf(headers.to()?.uri ?? '', null);
    const parsed = named === null ? null : parseAddress(named);
    const asked = parsed === null ? null : numberOf(parsed);
    if (named === null || asked === null) return null;
    const may = legs === 3 ? asked === number : deps.allotted(clientId, asked);
    const home = may ? deps.homeOf(asked) : null;
    return home !== null && isOwnAddress(named, asked, home) ? asked : null;
  }

  async function register(flow: Flow, request: SipRequest, access: Access): Promise<Refusal> {
    // RFC 3261 10.3: none of what a REGISTER may require is there.
    const required = request.headers.all('Require');
    if (required.length > 0) return refusal(420, [['Unsupported', required.join(', ')]]);
    const wanted = readRegister(request);
    if (!wanted.ok) return refusal(400);
    const who = access.principal;
    const number = numberFor(request, who);
    const home = number === null ? null : deps.homeOf(number);
    if (number === null || home === null || access.emergencyAddress === false) return refusal(403);
    const here = devices.of(flow);
    if (wanted.deviceId === null) return here === null ? ok([]) : leave(here, who);
    const device = devices.find(number, wanted.deviceId);
    // One device on a connection, and nobody takes another's.
    if (here !== null && here !== device) return refusal(403);
    if (device !== null && !maySee(who, device.who)) return refusal(403);
    if (wanted.expiresS === 0) {
      const known = device ?? (await existing(who, number, wanted.deviceId));
      return known === null ? ok([]) : leave(known, who);
    }
    const reply = await enroll(who, number, wanted, device);
    if (!reply.ok) return shortFor(reply) ?? refusalOf(reply);
    if (!('registration' in reply)) return refusal(500);
    const { registration } = reply;
    // Looked up anew: another connection may have brought it while the network was asked.
    const found = devices.find(number, wanted.deviceId);
    const known = found?.registrationId === registration.registrationId ? found : null;
    const contact = wanted.contact.uri;
    const { registrationId } = registration;
    const joined =
      known ?? devices.add({ who, number, deviceId: wanted.deviceId, registrationId, home, access, contact });
    Object.assign(joined, { access, contact });
    devices.join(joined, flow);
    return registered(registration, wanted.contact, home);
  }

  /** A registration begins, or goes on: one of before a restart too. */
  async function enroll(who: Principal, number: E164, wanted: Wanted, device: Device | null): Promise<Reply> {
    const expiresAt = wanted.expiresS === null ? null : node.now() + wanted.expiresS * 1000;
    const common = () => ({ who, ref: node.ids.ref(), correlator: node.ids.uuid() });
    const extend = (registrationId: RegistrationView['registrationId']) =>
      node.core.ask({ type: 'extend-registration', ...common(), registrationId, expiresAt });
    if (device !== null) {
      const reply = await extend(device.registrationId);
      if (reply.ok || reply.error !== 'not-found') return reply;
      devices.end(device, null);
    }
    const { deviceId } = wanted;
    const made = await node.core.ask({ type: 'register', ...common(), number, deviceId, expiresAt });
    if (made.ok || made.error !== 'registration-exists') return made;
    const mine = await existing(who, number, deviceId);
    return mine === null ? made : extend(mine.registrationId);
  }

  /** A registration that no connection has been known of. */
  async function existing(who: Principal, number: E164, deviceId: DeviceId): Promise<RegistrationView | null> {
    const found = await node.core.ask({ type: 'list-registrations', ref: node.ids.ref(), who, deviceId });
    if (!('registrations' in found)) return null;
    return found.registrations.find(one => one.phoneNumber === number) ?? null;
  }

  /** 423 for a life that is too short. RFC 3261 10.3. */
  function shortFor({ error }: Extract<Reply, { ok: false }>): Refusal | null {
    if (error !== 'expiry-out-of-range') return null;
    return refusal(423, [['Min-Expires', String(Math.ceil(deps.ttlMinMs / 1000))]]);
  }

  async function leave(known: Device | RegistrationView, who: Principal): Promise<Refusal> {
    if ('who' in known && !maySee(who, known.who)) return refusal(403);
    if ('who' in known) devices.end(known, null);
    const { registrationId } = known;
    await node.core.ask({ type: 'unregister', who, ref: node.ids.ref(), correlator: node.ids.uuid(), registrationId });
    return ok([]);
  }

  function registered(registration: RegistrationView, contact: NameAddr, home: string): Refusal {
    const { phoneNumber, expiresAt, associated } = registration;
    const seconds = Math.max(0, Math.floor((expiresAt - node.now()) / 1000));
    const params = new Map(contact.params).set('expires', String(seconds));
    const own = [`tel:${phoneNumber}`];
    const identities = associated.length === 0 ? own : associated;
    return ok([
      ['Contact', formatNameAddr({ ...contact, params })],
      ['P-Associated-URI', identities.map(one => `<${one.startsWith('tel:') ? uriOf(one, home) : one}>`).join(', ')],
    ]);
  }

  return register;
}

function ok(headers: ExtraHeaders): Refusal {
  return { status: 200, reason: 'OK', headers };
}
