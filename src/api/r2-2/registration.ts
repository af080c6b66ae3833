/** webrtc-registration v0.3 (CAMARA r2.2) over the same core. CAMARA digest 9. */
import type { JsonObject } from '../json.ts';
import type { Answer, Api, Call, Operation } from '../operation.ts';
import type { Refusal } from '../ports.ts';
import { type RegistrationParts, registrationApi } from '../registration.ts';
import { regSessionRequestV03, regSessionUpdateV03 } from '../schemas/r2-2.ts';
import { loosen, operationNamed, pick } from './loosen.ts';

type Parts = RegistrationParts & { basePaths: readonly string[] };

const TIME = 'registrationExpireTime';

export function registrationV03(parts: Parts): Api {
  const today = registrationApi(parts);
  const named = (id: string) => operationNamed(today.operations, id);
  const list = named('getRegistrationsByDeviceId');
  const update = loosen(named('updateRegistrationById'), regSessionUpdateV03, body => pick(body, [TIME]));
  return {
    ...today,
    version: '0.3.0',
    basePaths: parts.basePaths,
    operations: [
      create(
        loosen(named('createRegistration'), regSessionRequestV03, body => pick(body, ['deviceId', TIME])),
        list,
        update,
      ),
      { ...update, run: byPolicy(update.run) },
      named('deleteRegistrationById'),
    ],
  };
}

/** 200 instead of 201; one's own registration that is there already is renewed. */
function create(operation: Operation, list: Operation, update: Operation): Operation {
  const register = byPolicy(operation.run);
  return {
    ...operation,
    success: { ...operation.success, status: 200 },
    async run(call) {
      const made = await register(call);
      if (made.ok) return { ok: true, status: 200, body: made.body };
      if (made.error !== 'registration-exists') return made;
      const own = await ownOf(list, call);
      return own === null ? made : byPolicy(update.run)({ ...call, params: { registrationId: own } });
    },
  };
}

async function ownOf(list: Operation, call: Call): Promise<string | null> {
  const query = new URLSearchParams({ deviceId: String(call.body?.['deviceId'] ?? '') });
  const found = await list.run({ ...call, query });
  const mine = found.ok ? (found.body as Array<{ registrationId: string; regInfo: { phoneNumber: string } }>) : [];
  return mine.find(({ regInfo }) => regInfo.phoneNumber === call.who.number)?.registrationId ?? null;
}

/** A time out of range counts as none: the operator's policy decides. */
function byPolicy(run: Operation['run']): (call: Call) => Promise<Answer | Refusal> {
  return async call => {
    const said = await run(call);
    if (said.ok || said.error !== 'expiry-out-of-range') return said;
    const { [TIME]: _, ...rest } = (call.body ?? {}) as JsonObject;
    return run({ ...call, body: rest });
  };
}
