@testable import WebSocket

extension Example {
    /// Those that leave the connection open between two messages.
    static let open: [Example] = rfc6455 + fragments + control + text
    static let all: [Example] =
        open + closing + closeCodes + reservedBits + unknownOpcodes + violations + invalidText

    /// §5.7, as far as a client sends it.
    static let rfc6455: [Example] = [
        Example(
            "§5.7: a single-frame masked text message",
            [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58],
            [.text("Hello")]
        ),
        Example(
            "§5.7: a fragmented text message, here masked",
            [ClientFrame(.text, "Hel", isFinal: false), ClientFrame(.continuation, "lo")],
            [.text("Hello")]
        ),
        Example(
            "§5.7: a masked pong",
            [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58],
            [.pong([UInt8]("Hello".utf8))]
        ),
        Example(
            "§5.7: 256 bytes of binary, here masked",
            [ClientFrame(.binary, [UInt8](0...255))],
            [.message(.binary, [UInt8](0...255))]
        ),
    ]

    static let fragments: [Example] = [
        Example("an empty text message", [ClientFrame(.text)], [.text("")]),
        Example("an empty binary message", [ClientFrame(.binary)], [.message(.binary, [])]),
        Example(
            "§5.4: empty fragments",
            [
                ClientFrame(.text, isFinal: false), ClientFrame(.continuation, isFinal: false),
                ClientFrame(.continuation),
            ],
            [.text("")]
        ),
        Example(
            "§5.4: an empty first and an empty last fragment",
            [
                ClientFrame(.binary, isFinal: false),
                ClientFrame(.continuation, [1, 2], isFinal: false), ClientFrame(.continuation),
            ],
            [.message(.binary, [1, 2])]
        ),
        Example(
            "§5.4: all payload in the last fragment",
            [ClientFrame(.text, isFinal: false), ClientFrame(.continuation, "späť")],
            [.text("späť")]
        ),
        Example(
            "§5.4, §5.5: control frames between fragments, then another message",
            [
                ClientFrame(.text, "a", isFinal: false), ClientFrame(.ping, "1"),
                ClientFrame(.continuation, "b", isFinal: false), ClientFrame(.pong, "22"),
                ClientFrame(.continuation, "c"), ClientFrame(.binary, [9]),
            ],
            [.ping([0x31]), .pong([0x32, 0x32]), .text("abc"), .message(.binary, [9])]
        ),
        Example(
            "a message of exactly the limit, in fragments",
            [
                ClientFrame(.binary, [1, 2, 3], isFinal: false),
                ClientFrame(.continuation, [4, 5]),
            ],
            [.message(.binary, [1, 2, 3, 4, 5])],
            limit: 5
        ),
    ]

    static let control: [Example] = [
        Example("§5.5.2: a ping without payload", [ClientFrame(.ping)], [.ping([])]),
        Example(
            "§5.5.2: a ping of 125 bytes, of any value",
            [ClientFrame(.ping, [UInt8](131...255))],
            [.ping([UInt8](131...255))]
        ),
        Example(
            "§5.5: control frames do not count for the limit",
            [ClientFrame(.ping, "ten bytes!"), ClientFrame(.text, "abc")],
            [.ping([UInt8]("ten bytes!".utf8)), .text("abc")],
            limit: 3
        ),
    ]

    static let text: [Example] = [
        Example("§5.6: text beyond ASCII", [ClientFrame(.text, "κόσμε")], [.text("κόσμε")]),
        Example(
            "§8.1: the highest character",
            [ClientFrame(.text, "\u{10FFFF}")],
            [
                .text("\u{10FFFF}")
            ]
        ),
        Example(
            "§8.1: fragments may cut a character anywhere",
            [UInt8]("aé水🎈z".utf8).enumerated().map { index, byte in
                ClientFrame(index == 0 ? .text : .continuation, [byte], isFinal: index == 10)
            },
            [.text("aé水🎈z")]
        ),
        Example(
            "§8.1: a control frame inside a character",
            [
                ClientFrame(.text, [0xE6, 0xB0], isFinal: false), ClientFrame(.ping, [0xFF]),
                ClientFrame(.continuation, [0xB4]),
            ],
            [.ping([0xFF]), .text("水")]
        ),
        Example(
            "§5.6: binary need not be UTF-8",
            [ClientFrame(.binary, [0xFF], isFinal: false), ClientFrame(.continuation, [0xC0])],
            [.message(.binary, [0xFF, 0xC0])]
        ),
    ]

    static let closing: [Example] =
        [
            Example("§5.5.1: close", [ClientFrame(.close)], [.close(nil, reason: "")]),
            Example(
                "§5.5.1: close with a reason, input after it ignored",
                [
                    ClientFrame(.close, [0x03, 0xE9, 0x73, 0x70, 0xC3, 0xA4, 0x74]),
                    ClientFrame(.text, "late"),
                ],
                [.close(.goingAway, reason: "spät")]
            ),
            Example(
                "§5.5.1: close with the longest reason",
                [ClientFrame(.close, [0x03, 0xE8] + [UInt8](repeating: 0x61, count: 123))],
                [.close(.normalClosure, reason: String(repeating: "a", count: 123))]
            ),
            Example(
                "§5.4: close between fragments",
                [ClientFrame(.text, "a", isFinal: false), ClientFrame(.close, [0x03, 0xE8])],
                [.close(.normalClosure, reason: "")]
            ),
            Example(
                "§5.5.1: a close of one byte",
                ClientFrame(.close, [0x03]).wire,
                .badClosePayload
            ),
            Example(
                "§8.1: a reason that is not UTF-8",
                ClientFrame(.close, [0x03, 0xE8, 0xC3]).wire,
                .invalidUTF8
            ),
        ]

    static let closeCodes: [Example] =
        sentCodes.map { code -> Example in
            let frame = ClientFrame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)])
            return Example(
                "§7.4: code \(code)",
                [frame],
                [.close(CloseCode(rawValue: code), reason: "")]
            )
        }
        + unsentCodes.map { code -> Example in
            let frame = ClientFrame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)])
            return Example("§7.4: code \(code)", frame.wire, .badCloseCode(code))
        }

    private static let sentCodes: [UInt16] = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ]
    private static let unsentCodes: [UInt16] = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ]

    /// The header of a frame of 2^63 - 1 bytes.
    private static func longest(_ firstByte: UInt8) -> [UInt8] {
        [firstByte, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4]
    }

    static let reservedBits: [Example] = (1...7).map { rsv in
        let wire = ClientFrame(.text, [0x61], rsv: UInt8(rsv)).wire
        return Example("§5.2: reserved bits \(rsv)", wire, .reservedBitsSet)
    }

    static let unknownOpcodes: [Example] = [UInt8]([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]).map {
        Example("§5.2: opcode \($0)", [0x80 | $0, 0x80], .unknownOpcode($0))
    }

    static let violations: [Example] = [
        Example("§5.1: an unmasked frame", [0x81, 0x05, 0x48], .unmaskedFrame),
        Example("§5.1: an unmasked empty close", [0x88, 0x00], .unmaskedFrame),
        Example("§5.5: a fragmented ping", [0x09, 0x80], .fragmentedControlFrame),
        Example("§5.5: a fragmented close", [0x08, 0x82], .fragmentedControlFrame),
        Example("§5.5: a ping of 126 bytes", [0x89, 0xFE], .controlFrameTooLong),
        Example("§5.5: a close with a 64-bit length", [0x88, 0xFF], .controlFrameTooLong),
        Example(
            "§5.4: a continuation of nothing",
            ClientFrame(.continuation, "a").wire,
            .unexpectedContinuation
        ),
        Example(
            "§5.4: a continuation after a whole message",
            [ClientFrame(.text, "a"), ClientFrame(.continuation, "b")],
            [.text("a"), .violation(.unexpectedContinuation)]
        ),
        Example(
            "§5.4: a message inside a message",
            [ClientFrame(.text, "a", isFinal: false), ClientFrame(.text, "b")].wire,
            .expectedContinuation
        ),
        Example(
            "§5.2: 125 in 16 bits",
            [0x82, 0xFE, 0x00, 0x7D],
            .nonMinimalLength
        ),
        Example(
            "§5.2: 65535 in 64 bits",
            [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
            .nonMinimalLength
        ),
        Example(
            "§5.2: the highest bit of 64",
            [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0],
            .lengthHighBitSet
        ),
        Example(
            "the longest length",
            longest(0x82),
            .messageTooBig(limit: 70_000, size: .max)
        ),
        Example(
            "§5.4: the longest length in a second fragment",
            ClientFrame(.binary, [1], isFinal: false).wire + longest(0x80),
            .messageTooBig(limit: 70_000, size: .max)
        ),
        Example(
            "§10.4: one byte over the limit",
            ClientFrame(.binary, [1, 2, 3, 4, 5, 6]).wire,
            .messageTooBig(limit: 5, size: 6),
            limit: 5
        ),
        Example(
            "§10.4: one byte over the limit by fragments",
            [
                ClientFrame(.binary, [1, 2, 3], isFinal: false),
                ClientFrame(.continuation, [4, 5], isFinal: false),
                ClientFrame(.continuation, [6]),
            ].wire,
            .messageTooBig(limit: 5, size: 6),
            limit: 5
        ),
    ]

    /// As in section 6 of the Autobahn test suite.
    static let invalidText: [Example] = brokenTexts.flatMap { bytes -> [Example] in
        let singles = bytes.enumerated().map { index, byte in
            ClientFrame(
                index == 0 ? .text : .continuation,
                [byte],
                isFinal: index == bytes.count - 1
            )
        }
        let halves = [ClientFrame(.text, bytes, isFinal: false), ClientFrame(.continuation)]
        return [
            Example("§8.1: \(bytes) in a frame", ClientFrame(.text, bytes).wire, .invalidUTF8),
            Example("§8.1: \(bytes) byte by byte", singles.wire, .invalidUTF8),
            Example("§8.1: \(bytes) before an empty fragment", halves.wire, .invalidUTF8),
        ]
    }

    private static let brokenTexts: [[UInt8]] = [
        [0x80], [0xC0, 0xAF], [0xC3], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80],
        [0xCE, 0xBA, 0xED, 0xA0, 0x80, 0x65], [0xF0, 0x90, 0x80], [0xF4, 0x90, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        [0x70, 0x6C, 0x61, 0x69, 0x6E, 0x20, 0x41, 0x53, 0x43, 0x49, 0x49, 0xFF],
    ]
}
