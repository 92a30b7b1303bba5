import Bytes
import Testing

@testable import WebSocket

/// What a client offers, and what the server answers; nil where the offer is declined.
struct Negotiation: CustomTestStringConvertible {
    let offers: String
    let answer: String?
    let policy: DeflatePolicy

    init(_ offers: String, _ answer: String?, _ change: (inout DeflatePolicy) -> Void = { _ in }) {
        self.offers = offers
        self.answer = answer
        var policy = DeflatePolicy()
        policy.serverNoContextTakeover = false
        policy.clientNoContextTakeover = false
        change(&policy)
        self.policy = policy
    }

    var testDescription: String { "\(offers) → \(answer ?? "nothing")" }

    static let table: [Negotiation] = [
        .init("permessage-deflate", "permessage-deflate"),
        .init("", nil),
        .init("permessage-bzip2", nil),
        .init("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"),
        .init("foo; bar=\"baz\"; qux=1 ,, permessage-deflate", "permessage-deflate"),
        .init("Permessage-Deflate", nil),

        // §7.1.1: context takeover.
        .init(
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover"
        ),
        .init(
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover"
        ),
        .init(
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        ) {
            $0 = DeflatePolicy()
        },
        .init("permessage-deflate; server_no_context_takeover=1", nil),
        .init("permessage-deflate; client_no_context_takeover=true", nil),

        // §7.1.2.1: the server's window.
        .init(
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10"
        ),
        .init("permessage-deflate; server_max_window_bits=15", "permessage-deflate"),
        .init(
            "permessage-deflate; server_max_window_bits=\"12\"",
            "permessage-deflate; server_max_window_bits=12"
        ),
        .init(
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=11"
        ) {
            $0.serverMaxWindowBits = 11
        },
        .init(
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10"
        ) {
            $0.serverMaxWindowBits = 11
        },
        .init("permessage-deflate", "permessage-deflate; server_max_window_bits=11") {
            $0.serverMaxWindowBits = 11
        },
        .init("permessage-deflate", "permessage-deflate; server_max_window_bits=9") {
            $0.serverMaxWindowBits = 8
        },
        .init("permessage-deflate; server_max_window_bits=8", nil),
        .init(
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate"
        ),
        .init("permessage-deflate; server_max_window_bits", nil),
        .init("permessage-deflate; server_max_window_bits=7", nil),
        .init("permessage-deflate; server_max_window_bits=16", nil),
        .init("permessage-deflate; server_max_window_bits=010", nil),
        .init("permessage-deflate; server_max_window_bits=+9", nil),

        // §7.1.2.2: the client's window.
        .init("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        .init(
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10"
        ),
        .init("permessage-deflate; client_max_window_bits=8", "permessage-deflate"),
        .init(
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=9"
        ) {
            $0.clientMaxWindowBits = 9
        },
        .init(
            "permessage-deflate; client_max_window_bits=12",
            "permessage-deflate; client_max_window_bits=9"
        ) {
            $0.clientMaxWindowBits = 9
        },
        .init("permessage-deflate", nil) { $0.clientMaxWindowBits = 9 },
        .init("permessage-deflate; client_max_window_bits=8", nil) { $0.clientMaxWindowBits = 9 },

        // §7.1: what is unknown, or said twice.
        .init("permessage-deflate; mystery", nil),
        .init("permessage-deflate; server_no_context_takeover; server_no_context_takeover", nil),
        .init("permessage-deflate; client_no_context_takeover; client_no_context_takeover", nil),
        .init("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", nil),
        .init("permessage-deflate; client_max_window_bits; client_max_window_bits", nil),
        .init(
            "permessage-deflate; mystery, permessage-deflate; client_max_window_bits",
            "permessage-deflate"
        ),
        .init(
            "permessage-deflate; server_max_window_bits=9, permessage-deflate",
            "permessage-deflate; server_max_window_bits=9"
        ),
    ]
}

@Suite("RFC 7692 §5.1, §7.1: negotiation")
struct NegotiationTests {
    private func answer(_ offers: String, _ policy: DeflatePolicy) throws -> String? {
        let offers = SharedBytes(offers)
        return try DeflateNegotiation.accept(offers.bytes, policy)?.field
    }

    @Test("the first acceptable offer is taken", arguments: Negotiation.table)
    func negotiates(_ negotiation: Negotiation) throws {
        #expect(try answer(negotiation.offers, negotiation.policy) == negotiation.answer)
    }

    @Test(
        "RFC 6455 §9.1: what is no list of extensions is refused with 400",
        arguments: [
            ";", "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=",
            "permessage-deflate; a=\"", "permessage-deflate; a=\"b", "permessage-deflate; a=\"\"",
            "permessage-deflate client_max_window_bits", "a b", "a, b;", "a;b=c=d", "(a)",
            "permessage-deflate; a=\"b c\"", "permessage-deflate, ;",
        ]
    )
    func malformed(_ offers: String) {
        #expect(throws: UpgradeRefusal.badExtensions) {
            try answer(offers, DeflatePolicy())
        }
        #expect(UpgradeRefusal.badExtensions.status == 400)
    }
}
