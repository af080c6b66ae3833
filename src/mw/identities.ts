/** Who a number is in the IMS: by template, by a table, by a web service. The number is one that a token proved. TS 33.203 X.3.2.3. */
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { RealmSettings } from '../config/realm.ts';
import type { E164 } from '../ep-cscf/ids.ts';
import { createIdentityFile } from './identity-file.ts';
import { createIdentityService } from './identity-service.ts';

/** The private and public identity a number registers with. IMS digest 2.1. */
export interface ImsIdentity {
  number: E164;
  /** SIP form, without user=phone. */
  impu: string;
  impi: string;
  /** Home network domain. */
  home: string;
  /** What proves it, where a source knows; never logged. */
  secret: IdentityRow;
}

/** `unknown`: the source does not have the number, final. `unavailable`: it could not be asked. */
export type IdentityAnswer =
  | { ok: true; identity: ImsIdentity }
  | { ok: false; failure: 'unknown' | 'unavailable'; reason: string };

/** What a table or a web service says of a number; what it leaves out comes from the templates. */
export type IdentityRow = Static<typeof identityRow>;

const hex32 = Type.Optional(Type.String({ pattern: '^[0-9A-Fa-f]{32}$' }));
const identityRow = Type.Object({
  impi: Type.Optional(Type.String()),
  impu: Type.Optional(Type.String()),
  password: Type.Optional(Type.String()),
  k: hex32,
  opc: hex32,
  op: hex32,
});

/** Where rows come from. Tells once, at once or later; null: the number is not known there. */
export type IdentitySource = (number: E164, tell: (row: unknown, failure: string | null) => void) => void;

export interface Identities {
  /** Tells who a number is, at once or within the time limit of the web service. */
  of(number: E164, tell: (answer: IdentityAnswer) => void): void;
}

const IMPU = /^sips?:[^\s"<>;,?@]{1,128}@[^\s"<>;,?@]{1,255}$/;
const IMPI = /^[^\s"<>,;\\]{1,255}$/;
/** IMSI as user part: the identity of the SIM card itself. TS 23.003 13.3. */
const SIM = /^(\d{14,15})@/;

/** The identities of one realm. Throws with one sentence when its table cannot be read. */
export function createIdentities(realm: RealmSettings, log: (reason: string) => void): Identities {
  const source = sourceOf(realm, log);
  return {
    of(number, tell) {
      source(number, (row, failure) => {
        if (failure !== null) tell({ ok: false, failure: 'unavailable', reason: failure });
        else if (row === null) tell({ ok: false, failure: 'unknown', reason: 'no identity is known for the number' });
        else tell(identityFrom(number, row, realm));
      });
    },
  };
}

function sourceOf(realm: RealmSettings, log: (reason: string) => void): IdentitySource {
  if (realm.identityUrl !== '') return createIdentityService(realm);
  if (realm.identityFile !== '') return createIdentityFile(realm.identityFile, log);
  return (_number, tell) => tell({}, null);
}

function identityFrom(number: E164, row: unknown, realm: RealmSettings): IdentityAnswer {
  const refused = (reason: string): IdentityAnswer => ({ ok: false, failure: 'unknown', reason });
  if (!Value.Check(identityRow, row)) return refused('what is known of the number is malformed');
  const { home } = realm;
  const impu = filled(row.impu ?? realm.impu, number, home);
  const impi = filled(row.impi ?? realm.impi, number, home);
  if (!IMPU.test(impu)) return refused('the public identity is no SIP URI');
  if (!IMPI.test(impi)) return refused('the private identity cannot be written into a header');
  // The core would take us for the phone that moved, and drop the phone. RFC 5626, IMS digest 2.1.1.
  const identity: ImsIdentity = { number, impu, impi, home, secret: row };
  if (isSim(identity) && !realm.outbound)
    return refused('the private identity is the SIM card’s own, which needs ims.outbound');
  return { ok: true, identity };
}

/** Whether an identity is the SIM card's own: named by its IMSI. */
export function isSim({ impi, number }: ImsIdentity): boolean {
  const user = SIM.exec(impi)?.[1];
  return user !== undefined && user !== number.slice(1);
}

/** A template of the settings with its words filled in. */
export function filled(template: string, number: E164, home: string): string {
  return template.replaceAll('{number}', number).replaceAll('{digits}', number.slice(1)).replaceAll('{home}', home);
}
