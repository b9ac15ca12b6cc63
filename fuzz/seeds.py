#!/usr/bin/env python3
"""Writes the hand-made seeds of every target into corpus/. Run it after changing them."""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent
INVITE = (
    b"INVITE sip:12345@10.0.0.1:5060;user=phone SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK776;rport, SIP/2.0/TCP [2001:db8::1];branch=z9\r\n"
    b"Max-Forwards: 70\r\nRecord-Route: <sip:p1.example.com;lr>,\r\n <sip:p2.example.com;lr>\r\n"
    b'From: "\xc4\xfa\xbf\\" <sip:13800000000@10.0.0.9>;tag=1928301774\r\n'
    b"t: <tel:12345;phone-context=+86>\r\nCall-ID: a84b4c76e66710@10.0.0.9\r\nCSeq: 314159 INVITE\r\n"
    b'Contact: <sip:1@10.0.0.9:5060>;q=0.5;+sip.instance="<urn:uuid:1>"\r\nk: 100rel, timer\r\n'
    b"Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
)
OPTIONS = (
    b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\n"
    b"t: <sip:b@h>\r\ni: x\r\nCSeq: 1 OPTIONS\r\nl: 0\r\n\r\n"
)
REGISTER = (
    b"REGISTER sip:[2001:db8::1] SIP/2.0\r\nv: SIP/2.0/WSS x.invalid;branch=z9hG4bK7\r\n"
    b'f: "Seat 1001" <sip:1001@hotline>;tag=456248\r\nt: <sip:1001@hotline>\r\ni: 8438@998\r\n'
    b'CSeq: 1826 REGISTER\r\nm: *\r\nExpires: 0\r\nAuthorization: Digest username="1001", '
    b'realm="hotline", nonce="84a4", uri="sip:hotline", response="75872", qop=auth, nc=00000001, '
    b'cnonce="1"\r\nl: 0\r\n\r\n'
)
RESPONSE = (
    b"SIP/2.0 407 Who\r\nv: SIP/2.0/UDP 10.0.0.1;received=10.0.0.2;rport=5062;branch=z9hG4bK1\r\n"
    b"f: a<sip:a@h>;tag=1\r\nt: sip:b@h;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\nRetry-After: 5 (busy)\r\n"
    b'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth,auth-int"\r\nl: 0\r\n\r\n'
)
BROKEN = OPTIONS.replace(b"l: 0", b"l: 5\r\nl: 6")
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    b"a=ptime:20\r\na=sendrecv\r\n"
)


def frame(payload: bytes, opcode: int = 1, last: bool = True, masked: bool = True) -> bytes:
    """One frame of a WebSocket client (RFC 6455 §5.2)."""
    head = bytes([(0x80 if last else 0) | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    else:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    mask = b"\x37\xfa\x21\x3d" if masked else b""
    if masked:
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + mask + payload


def rtp(sequence: int, timestamp: int, payload: bytes, later: int = 5, ssrc: int = 7) -> bytes:
    """One datagram of the rtp target: length, time since the last in units of 4 ms, packet."""
    packet = struct.pack(">BBHII", 0x80, 8, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload
    return bytes([len(packet), later]) + packet


def srtp(packet: bytes, control: bool, stranger: bool = False, damaged: int = 0) -> bytes:
    """One packet of the srtp target: length, its fate, packet."""
    return bytes([len(packet), control | stranger << 1 | damaged << 2]) + packet


def rtcp(kind: int, count: int, body: bytes, first: int = 0x80) -> bytes:
    """One RTCP packet (RFC 3550 §6.4)."""
    return struct.pack(">BBH", first | count, kind, len(body) // 4) + body


BLOCK = struct.pack(">IIIIII", 7, 0x0CFFFFFD, 0x1FFFF, 77, 0x12345678, 65536)
SENT = struct.pack(">IQIII", 9, 0x0102030480000000, 160, 5, 800)
SDES = rtcp(202, 1, struct.pack(">I", 9) + b"\x01\x07hotline\x00\x00\x00")

# RFC 5769 §2.1.
STUN = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b3600060009"
    "6576746a3a6836765920202000080014"
    "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)


def stun(attributes: bytes, kind: int = 1) -> bytes:
    """A STUN message (RFC 8489 §5) of these attributes."""
    return struct.pack(">HHI", kind, len(attributes), 0x2112A442) + b"t" * 12 + attributes


SEEDS = {
    "message": [INVITE, OPTIONS, REGISTER, RESPONSE, BROKEN, INVITE[:200], b"\r\n\r\n", b"\x16\x03"],
    "uri": [
        b"sip:1001:pw@[2001:db8::10]:5070;transport=tcp;lr?Subject=a&X=b\nsip:%31001@h",
        b"tel:+8613800000000;phone-context=+86\nsips:a@h;ttl=1\nsip:a@H;TTL=1",
        b'"\xc4\xfa\xbf\\" <sip:a,b@c;x=",">;q=1, <sip:b@c>, sip:d@e;tag=1, *',
        b"SIP / 2.0 /UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;rport=x;branch=z9hG4bK",
        b"application/sdp;q=0.0, text/*, */*",
        b'; a =\r\n b ; flag ; t="a;b\\"c"',
        b"sip:[:::1]:99999\nsip:a;b@c;d?e@f",
    ],
    "sdp": [
        SDP,
        SDP.replace(b"IP4 10.0.0.9\r\nt", b"IP4 0.0.0.0\r\nt"),
        SDP + b"m=video 0 RTP/AVP 31\r\nm=audio 9 RTP/SAVP 0\r\n",
        SDP.replace(b"RTP/AVP 8 0 101", b"RTP/AVP 18 96"),
        SDP.replace(b"\r\n", b"\n"),
        SDP.replace(b"40000", b"99999999999"),
        b"v=0\r\n",
        SDP.replace(b"8 0 101", b"110 9 101 8").replace(
            b"a=rtpmap", b"a=rtpmap:101 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\na=x"
        ),
        SDP.replace(b"8 0 101", b"8 0 9 96").replace(
            b"a=rtpmap:101", b"a=rtpmap:8 OPUS/48000/2\r\na=rtpmap:0 G722/8000/1\r\na=rtpmap:96"
        ),
    ],
    "stun": [
        STUN,
        stun(b""),
        stun(b"", 0x11),
        stun(STUN[20:84]),
        stun(b"\x00\x06\x00\x0bHIJKLMNO:ab\x00\x00\x25\x00\x00\x00\x08\x00\x14" + b"c" * 20),
        stun(b"\x00\x06\xff\xffab"),
        stun(b"\x7f\xff\x00\x00\x00\x24\x00\x02ab\x00\x00"),
        STUN[:-1],
    ],
    "digest": [
        b'Digest realm="r", nonce="n"',
        b'Digest realm="a, \\"b\\"", nonce="n", algorithm=SHA-256, qop="auth,auth-int", opaque="\\\\"',
        b'Digest username="1001", realm="hotline", nonce="84a4", uri="sip:h", response="00", '
        b'algorithm=MD5, qop=auth, nc=00000001, cnonce="c"',
        b'Digest realm="\xc8\xc8\xcf\xdf", nonce="\xff", stale=TRUE, qop=auth',
        b'digest realm=r,\r\n nonce="a\r\n b",userhash=true,algorithm=MD5-sess',
        b"NoOneKnowsThisScheme opaque-data=here",
    ],
    "framing": [
        b"\x07" + OPTIONS + OPTIONS,
        b"\x01\r\n\r\n" + OPTIONS + b"\r\n\r\n\r\n",
        b"\x40" + INVITE + OPTIONS,
        b"\x20" + BROKEN + OPTIONS,
        b"\x10GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\x05\x16\x03\x01\x02\x00",
        b"\x09" + OPTIONS.replace(b"l: 0", b"l: 99999999") + b"abc",
    ],
    "rtcp": [
        rtcp(200, 2, SENT + BLOCK * 2) + SDES + rtcp(203, 1, struct.pack(">I", 9)),
        rtcp(201, 0, struct.pack(">I", 9)) + SDES,
        rtcp(201, 1, struct.pack(">I", 9) + BLOCK + b"\x00\x00\x00\x04", 0xA0),
        rtcp(205, 1, struct.pack(">III", 1, 2, 3)) + rtcp(200, 31, SENT + BLOCK * 31),
        rtcp(202, 1, struct.pack(">I", 9) + b"\x01\xff\x02\x00"),
        rtcp(200, 1, SENT),
        b"\x81\xcb\xff\xff",
    ],
    "rtp": [
        b"".join(rtp(65530 + n, 160 * n - 800, bytes([n]) * 160) for n in range(12)),
        b"".join(rtp(n, 160 * n, b"\xd5" * 160) for n in (0, 2, 1, 1, 5, 4, 9)),
        rtp(0, 0, b"a" * 80) + rtp(1, 1 << 31, b"b" * 80) + rtp(40000, 5, b"c" * 240, 200),
        b"".join(rtp(n, 160 * n, b"x" * 160, 0, n // 20) for n in range(50)),
        rtp(0, 0, b"") + b"\x0c\x00" + b"\xb0\x08" + bytes(10) + b"\xff\xff\x80",
        b"".join(rtp(n, -160 * n, b"y" * 160) for n in range(15)),
    ],
    "srtp": [
        b"".join(srtp(rtp(65530 + n, 160 * n, bytes([n]) * 160)[2:], False) for n in range(12)),
        b"".join(srtp(rtp(n, 160 * n, b"x" * 20)[2:], False, damaged=n + 1) for n in range(60)),
        b"".join(srtp(rtcp(201, 0, struct.pack(">I", 9)) + SDES, True, damaged=n) for n in range(9)),
        srtp(rtp(0, 0, b"a" * 160)[2:], False, True) + srtp(rtcp(200, 1, SENT + BLOCK), True, True),
        b"".join(srtp(rtp(n, 0, b"", ssrc=n)[2:], False) for n in range(20)),
        srtp(b"\x9f\x08" + bytes(70) + b"\x00\x01abcd", False) + srtp(b"\x80", True) + b"\x05",
    ],
    "ws": [
        b"\xff" + frame(REGISTER),
        b"\x03" + frame(OPTIONS[:40], last=False) + frame(b"hi", 9) + frame(OPTIONS[40:], 0),
        b"\x40" + frame(INVITE, 2) + frame(b"\x03\xe8bye", 8),
        b"\x40" + frame(OPTIONS, masked=False),
        b"\x40\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\x40" + frame(b"\xff\xfe") + frame(b"x" * 126, 10),
        b"\x02\xf1\x80\x00\x00\x00\x00",
    ],
}

for target, seeds in SEEDS.items():
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number:02}").write_bytes(seed)
