/** A TURN client over UDP that says with which error it was refused. RFC 8656, with long-term credentials of RFC 8489 9.2. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

interface Peer {
  address: string;
  port: number;
}

export interface TurnClient {
  /** 0 when it was granted, else the error code; so with all that follow. */
  allocate(): Promise<number>;
  permit(address: string): Promise<number>;
  bind(peer: Peer): Promise<number>;
  /** Sends to a peer through the relay, without asking whether it may. */
  send(peer: Peer, data: Buffer): void;
  /** What the next peer says. */
  heard(): Promise<{ from: Peer; data: Buffer }>;
  close(): void;
}

const COOKIE = 0x2112_a442;
const [ALLOCATE, CREATE_PERMISSION, CHANNEL_BIND] = [0x0003, 0x0008, 0x0009];
const [SEND_INDICATION, DATA_INDICATION] = [0x0016, 0x0017];
const [USERNAME, INTEGRITY, ERROR_CODE, CHANNEL_NUMBER] = [0x0006, 0x0008, 0x0009, 0x000c];
const [PEER_ADDRESS, DATA, REALM, NONCE, REQUESTED_TRANSPORT] = [0x0012, 0x0013, 0x0014, 0x0015, 0x0019];
const UDP = Buffer.from([17, 0, 0, 0]);
const ANSWER_MS = 3000;

type Attribute = readonly [type: number, value: Buffer];

export async function turnClient(
  server: Peer,
  credential: { username: string; credential: string },
): Promise<TurnClient> {
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  socket.connect(server.port, server.address);
  await once(socket, 'connect');
  const waiting = new Map<string, (answer: Buffer) => void>();
  const said: Buffer[] = [];
  let whenSaid = () => {};
  let realm: Buffer = Buffer.alloc(0);
  let nonce: Buffer = Buffer.alloc(0);
  let channel = 0x4000;
  socket.on('message', message => {
    if (message.readUInt16BE(0) === DATA_INDICATION) {
      said.push(message);
      whenSaid();
    }
    waiting.get(message.toString('hex', 8, 20))?.(message);
  });

  function ask(method: number, attributes: readonly Attribute[]): Promise<Buffer> {
    const transaction = randomBytes(12);
    const signed: Attribute[] =
      nonce.length === 0
        ? []
        : [
            [USERNAME, Buffer.from(credential.username)],
            [REALM, realm],
            [NONCE, nonce],
          ];
    const message = messageOf(method, transaction, [...attributes, ...signed]);
    const key = createHash('md5').update(`${credential.username}:${realm}:${credential.credential}`).digest();
    socket.send(nonce.length === 0 ? message : sign(message, key));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The TURN server says nothing.')), ANSWER_MS);
      waiting.set(transaction.toString('hex'), answer => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  async function granted(method: number, attributes: readonly Attribute[]): Promise<number> {
    return errorOf(await ask(method, attributes));
  }

  return {
    async allocate() {
      const challenge = await ask(ALLOCATE, [[REQUESTED_TRANSPORT, UDP]]);
      realm = attributeOf(challenge, REALM) ?? realm;
      nonce = attributeOf(challenge, NONCE) ?? nonce;
      return granted(ALLOCATE, [[REQUESTED_TRANSPORT, UDP]]);
    },
    permit: address => granted(CREATE_PERMISSION, [[PEER_ADDRESS, xored({ address, port: 0 })]]),
    bind(peer) {
      const number = Buffer.alloc(4);
      number.writeUInt16BE(channel++);
      return granted(CHANNEL_BIND, [
        [CHANNEL_NUMBER, number],
        [PEER_ADDRESS, xored(peer)],
      ]);
    },
    send: (peer, data) =>
      socket.send(
        messageOf(SEND_INDICATION, randomBytes(12), [
          [PEER_ADDRESS, xored(peer)],
          [DATA, data],
        ]),
      ),
    async heard() {
      while (said.length === 0) await new Promise<void>(resolve => (whenSaid = resolve));
      const message = said.shift() as Buffer;
      return {
        from: peerOf(attributeOf(message, PEER_ADDRESS) ?? Buffer.alloc(8)),
        data: attributeOf(message, DATA) ?? Buffer.alloc(0),
      };
    },
    close: () => socket.close(),
  };
}

function messageOf(type: number, transaction: Buffer, attributes: readonly Attribute[]): Buffer {
  const body = Buffer.concat(
    attributes.flatMap(([attribute, value]) => {
      const head = Buffer.alloc(4);
      head.writeUInt16BE(attribute);
      head.writeUInt16BE(value.length, 2);
      return [head, value, Buffer.alloc(-value.length & 3)];
    }),
  );
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type);
  head.writeUInt16BE(body.length, 2);
  head.writeUInt32BE(COOKIE, 4);
  return Buffer.concat([head, transaction, body]);
}

/** The length counts the signature already when it is made. RFC 8489 14.5. */
function sign(message: Buffer, key: Buffer): Buffer {
  message.writeUInt16BE(message.length - 20 + 24, 2);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(INTEGRITY);
  head.writeUInt16BE(20, 2);
  return Buffer.concat([message, head, createHmac('sha1', key).update(message).digest()]);
}

function attributeOf(message: Buffer, wanted: number): Buffer | null {
  for (let at = 20; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2);
    if (message.readUInt16BE(at) === wanted) return message.subarray(at + 4, at + 4 + length);
    at += 4 + length + (-length & 3);
  }
  return null;
}

function errorOf(answer: Buffer): number {
  const value = attributeOf(answer, ERROR_CODE);
  return value === null ? 0 : ((value[2] ?? 0) & 7) * 100 + (value[3] ?? 0);
}

/** IPv4 alone. RFC 8489 14.2. */
function xored({ address, port }: Peer): Buffer {
  const value = Buffer.alloc(8);
  value[1] = 1;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  value.writeUInt32BE((Buffer.from(address.split('.').map(Number)).readUInt32BE() ^ COOKIE) >>> 0, 4);
  return value;
}

function peerOf(value: Buffer): Peer {
  const address = Buffer.alloc(4);
  address.writeUInt32BE((value.readUInt32BE(4) ^ COOKIE) >>> 0);
  return { address: [...address].join('.'), port: value.readUInt16BE(2) ^ (COOKIE >>> 16) };
}
