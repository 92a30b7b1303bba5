"""Messages that no adapter sends: random, cut short, of wrong types, lying, too deep, too long."""

import json
import random

from .node_peer import compact, options, pack, packet

WRONG = [None, True, -1, 0, 1.5, 2 ** 63, "", "x", b"", b"\x00", [], {}, [[]], {"": None}]
LIES = [
    # Lengths of 4 GiB: arrays, maps, strings, binary, extensions.
    "dd ff ff ff ff", "df ff ff ff ff", "db ff ff ff ff", "c6 ff ff ff ff", "c9 ff ff ff ff 01",
    "dc ff ff", "de ff ff", "da ff ff", "c5 ff ff", "c8 ff ff 01",
    # The same inside of what begins well.
    "93 a6 61 62 63 64 65 66 df ff ff ff ff", "93 a6 61 62 63 64 65 66 83 a4 64 61 74 61 dd ff ff ff ff",
    "93 db ff ff ff ff", "83 a4 74 79 70 65 07 a9 72 65 71 75 65 73 74 49 64 db ff ff ff fe",
    # The byte that MessagePack never uses.
    "c1", "93 c1 c1 c1", "84 c1",
]


def randoms(seed: int, count: int = 2000) -> list[bytes]:
    """Random bytes; some begin as a request in JSON or a broadcast would."""
    source = random.Random(seed)
    heads = [b"", b"", b"{", b"\x93", b"\x83", b"\x85", b'{"type":']
    return [source.choice(heads) + source.randbytes(source.randrange(64)) for _ in range(count)]


def cuts(message: bytes) -> list[bytes]:
    """Every beginning of a message, and the message with something behind it."""
    return [message[:length] for length in range(len(message))] + [message + b"\x00", message * 2]


def mutations(value) -> list:
    """The value with one part of it replaced, or left out, at a time."""
    found = list(WRONG)
    if isinstance(value, dict):
        for key, item in value.items():
            rest = {name: one for name, one in value.items() if name != key}
            found.append(rest)
            found += [{**value, key: other} for other in mutations(item)]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found.append(value[:index] + value[index + 1:])
            found += [[*value[:index], other, *value[index + 1:]] for other in mutations(item)]
    return found


def deep() -> list[bytes]:
    """Nesting that a recursive decoder would not survive."""
    levels = 100_000
    return [
        b"\x91" * levels, b"\x81\xa1a" * levels, b"\x91" * levels + b"\xc0",
        b"[" * levels, b'{"a":' * levels, b'{"type":2,"opts":' + b"[" * levels,
        pack(["abcdef"])[1:] + b"\x91" * levels,
        b"\x93\xa6abcdef\x83\xa4type\x02\xa4data\x92\xa4said" + b"\x91" * levels,
    ]


def junk() -> list[bytes]:
    source = random.Random(7)
    size = 100_000
    return [
        source.randbytes(size), b"{" + source.randbytes(size), b"\x93" + source.randbytes(size),
        b"{" * size, b"\x00" * size, b"\xff" * size, b'{"type":6,"data":["' + b"x" * size,
        b'{"type":6,"data":["tell","' + b"\\" * size + b'"]}',
    ]


def texts() -> list[bytes]:
    """JSON that is none, or says nothing."""
    return [
        b"", b"{", b"{}", b"[]", b"null", b"{]", b'{"type":}', b'{"type":1', b'{"type":1e999}',
        b'{"type":1}}', b'{"type":"1"}', b'{"type":1.5,"requestId":"a"}', b'{"type":-1}',
        b'{"type":10}', b'{"type":99,"requestId":"a"}', b'{"type":1,"type":2}',
        b'{"type":9223372036854775808}', b'{"\xff":1}', b'{"type":1,"requestId":"\\ud800"}',
        b'{"type":2,"opts":{"rooms":["\xff"],"except":[]},"rooms":["x"]}', b'\xef\xbb\xbf{"type":1}',
        b'{"type":1,"requestId":"' + b"a" * 70000 + b'"}',
    ]


def classic_messages(uid: str = "strang") -> list:
    """One of each that the classic adapter knows, harmless to the tests' own sockets."""
    opts = {"rooms": ["garbage"], "except": ["nobody"]}
    return [
        [uid, packet("garbage", 1, b"\x00"), options(["garbage"], ["nobody"], {"timeout": 1})],
        {"uid": uid, "requestId": "aaaaaa", "type": 0, "rooms": ["garbage"]},
        {"uid": uid, "requestId": "aaaaaa", "type": 1},
        {"uid": uid, "type": 2, "opts": opts, "rooms": ["garbage 2"]},
        {"uid": uid, "type": 3, "opts": opts, "rooms": ["garbage 2"]},
        {"requestId": "aaaaaa", "type": 2, "sid": "nobody", "room": "garbage"},
        {"uid": uid, "requestId": "aaaaaa", "type": 5, "opts": opts},
        {"uid": uid, "requestId": "aaaaaa", "type": 6, "data": ["question", 1]},
        {"uid": uid, "requestId": "aaaaaa", "type": 7, "packet": packet("garbage"),
         "opts": options(["garbage"])},
        {"type": 8, "requestId": "aaaaaa", "clientCount": 1},
        {"type": 9, "requestId": "aaaaaa", "packet": [1]},
        {"requestId": "aaaaaa", "sockets": [{"id": "x", "handshake": {}, "rooms": [], "data": {}}]},
        {"requestId": "aaaaaa", "rooms": ["x"]},
    ]


def cluster_messages(uid: str = "0123456789abcdef") -> list:
    """One of each cluster message (section 3)."""
    number = "fedcba9876543210"
    opts = options(["garbage"], ["nobody"], {"timeout": 1})
    sent = {"type": 2, "data": ["garbage", 1]}
    bodies = {
        3: {"packet": sent, "requestId": number, "opts": opts},
        4: {"opts": opts, "rooms": ["garbage 2"]},
        5: {"opts": opts, "rooms": ["garbage 2"]},
        7: {"opts": opts, "requestId": number},
        8: {"requestId": number, "sockets": [{"id": "x", "handshake": {}, "rooms": [], "data": {}}]},
        9: {"requestId": number, "packet": ["question", 1]},
        10: {"requestId": number, "packet": 1},
        11: {"requestId": number, "clientCount": 1},
        12: {"requestId": number, "packet": 1},
    }
    return [{"type": kind, "data": data, "uid": uid, "nsp": "/"} for kind, data in bodies.items()]


def all_garbage(messages: list) -> dict[str, list[bytes]]:
    """Payloads by their kind, made from messages of an adapter."""
    wire = [pack(message) for message in messages]
    return {
        "random": randoms(1),
        "cut short": [cut for one in wire for cut in cuts(one)]
        + [cut for one in messages if is_json(one) for cut in cuts(compact(one).encode())],
        "wrong types": [pack(other) for one in messages for other in mutations(one) if fits(other)]
        + [compact(other).encode() for one in messages for other in mutations(one)
           if is_json(other)],
        "lies": [bytes.fromhex(lie) for lie in LIES],
        "deep": deep(),
        "junk": junk(),
        "texts": texts(),
    }


def is_json(value) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def fits(value) -> bool:
    """Whether MessagePack can hold it."""
    try:
        pack(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
