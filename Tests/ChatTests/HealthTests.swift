import Foundation
import Testing

@testable import Chat

@Suite("Health: the answer of /healthz")
struct HealthTests {
    private struct Redis: Encodable {
        let state: String
    }

    @Test(
        "a backend that is down degrades; what is not there is left out",
        arguments: [
            (nil, nil, #"{"clients":3,"replica":"app-1","status":"ok"}"#),
            (
                true, ["app-2"],
                #"{"clients":3,"presence":{"ignored":0,"replicas":["app-2"]},"#
                    + #""redis":{"state":"s"},"replica":"app-1","status":"ok"}"#
            ),
            (
                false, [],
                #"{"clients":3,"presence":{"ignored":0,"replicas":[]},"#
                    + #""redis":{"state":"s"},"replica":"app-1","status":"degraded"}"#
            ),
        ] as [(Bool?, [String]?, String)]
    )
    func answers(_ isUp: Bool?, _ replicas: [String]?, _ json: String) throws {
        let health = Health(
            replica: "app-1",
            clients: 3,
            presence: replicas.map { PresenceStatus(replicas: $0, ignored: 0) },
            redis: isUp.map { Health.Backend(isUp: $0, status: Redis(state: "s")) }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(health), as: UTF8.self) == json)
    }

    @Test("a chat that drains is alive, and not to be sent new clients", arguments: [true, false])
    func draining(_ isUp: Bool) throws {
        let health = Health(
            isDraining: true,
            replica: "app-1",
            clients: 3,
            presence: nil,
            redis: Health.Backend(isUp: isUp, status: Redis(state: "s"))
        )
        let json = String(decoding: try JSONEncoder().encode(health), as: UTF8.self)
        #expect(json.contains(#""status":"draining""#))
        #expect(health.httpStatus == 503)
        let other = Health(replica: "app-1", clients: 3, presence: nil, redis: nil)
        #expect(other.httpStatus == 200)
    }
}
