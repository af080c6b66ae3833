"""Protects or opens packets with libsrtp (Debian: python3-pylibsrtp). Reads one JSON object, writes a list of what came out, in hex; null is refused."""

import json
import sys

from pylibsrtp import Error, Policy, Session

PROFILES = {
    "SRTP_AES128_CM_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "SRTP_AES128_CM_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "SRTP_AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
}
ask = json.load(sys.stdin)
direction = Policy.SSRC_ANY_OUTBOUND if ask["does"] == "protect" else Policy.SSRC_ANY_INBOUND
policy = Policy(bytes.fromhex(ask["key"]), direction, 0, PROFILES[ask["profile"]])
session = Session(policy)


def played(packet):
    kind = "_rtcp" if packet["rtcp"] else ""
    try:
        return getattr(session, ask["does"] + kind)(bytes.fromhex(packet["hex"])).hex()
    except Error:
        return None


json.dump([played(packet) for packet in ask["packets"]], sys.stdout)
