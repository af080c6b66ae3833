/** The registered numbers of the one DTLS version, few suites and few extensions that are spoken here. IANA TLS registries. */

export const DTLS_1_0 = 0xfeff;
export const DTLS_1_2 = 0xfefd;

/** Record content types. RFC 5246 6.2.1. */
export const ContentType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

/** Handshake message types. RFC 5246 7.4, RFC 6347 4.2.2. */
export const MessageType = {
  helloRequest: 0,
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** RFC 5246 7.2. */
export const AlertLevel = { warning: 1, fatal: 2 } as const;

/** RFC 5246 7.2.2, RFC 5746 4.5. */
export const Alert = {
  closeNotify: 0,
  unexpectedMessage: 10,
  handshakeFailure: 40,
  badCertificate: 42,
  unsupportedCertificate: 43,
  illegalParameter: 47,
  decodeError: 50,
  decryptError: 51,
  protocolVersion: 70,
  noRenegotiation: 100,
  unsupportedExtension: 110,
} as const;

export const Extension = {
  supportedGroups: 10,
  pointFormats: 11,
  signatureAlgorithms: 13,
  useSrtp: 14,
  extendedMasterSecret: 23,
  renegotiationInfo: 0xff01,
} as const;

/** Signalling value that stands for an empty renegotiation_info. RFC 5746 3.3. */
export const RENEGOTIATION_SCSV = 0x00ff;

export const Group = { p256: 23, x25519: 29 } as const;
/** What we take, the preferred first. */
export const GROUPS: readonly number[] = [Group.x25519, Group.p256];

/** RFC 8446 4.2.3; the values are those of RFC 5246 7.4.1.4.1. */
export const SignatureScheme = {
  rsaPkcs1Sha256: 0x0401,
  ecdsaSha256: 0x0403,
  ecdsaSha384: 0x0503,
  rsaPssSha256: 0x0804,
} as const;

/** RFC 5246 7.4.4, RFC 8422 5.5. */
export const ClientCertificateType = { rsaSign: 1, ecdsaSign: 64 } as const;
