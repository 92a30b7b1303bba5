import Foundation
import SocketIO
import Testing

@testable import Chat

@Suite("Presence: messages on the wire")
struct PresenceMessageTests {
    private static let changes: [PresenceChange] = {
        var join = PresenceChange(id: "s1", name: "Ada \"\u{1}")
        join.joins = ["r", "ž"]
        var leave = PresenceChange(id: "s2")
        leave.leaves = ["r"]
        var gone = PresenceChange(id: "s3")
        gone.isGone = true
        return [join, leave, gone]
    }()

    @Test(
        "every message is read as it was written",
        arguments: [
            (PresenceMessage.Body.hello, #""kind":"hello","replica":"app-1","seq":7}"#),
            (.beat, #""kind":"beat","replica":"app-1","seq":7}"#),
            (.bye, #""kind":"bye","replica":"app-1","seq":7}"#),
            (.ask(of: "j"), #""kind":"ask","of":"j","replica":"app-1","seq":7}"#),
            (
                .delta(changes),
                #""kind":"delta","replica":"app-1","seq":7}"#
            ),
            (
                .state(part: 1, parts: 3, changes),
                #""kind":"state","part":1,"parts":3,"replica":"app-1","seq":7}"#
            ),
        ]
    )
    func roundTrip(_ body: PresenceMessage.Body, _ end: String) throws {
        let message = PresenceMessage(instance: "i", replica: "app-1", sequence: 7, body: body)
        let arguments = try Arguments(message)
        #expect(arguments.json(at: 0)?.hasSuffix(#""instance":"i",\#(end)"#) == true)
        #expect(try arguments.decode(PresenceMessage.self, at: 0) == message)
    }

    static let unreadable: [String] = [
        "null", "[]", "7", #""hello""#, "{}",
        #"{"instance":"i","replica":"a","seq":1}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"sing"}"#,
        #"{"instance":"","replica":"a","seq":1,"kind":"beat"}"#,
        #"{"instance":"\#(String(repeating: "i", count: 65))","replica":"a","seq":1,"kind":"beat"}"#,
        #"{"instance":"i","replica":5,"seq":1,"kind":"beat"}"#,
        #"{"instance":"i","replica":"a","seq":-1,"kind":"beat"}"#,
        #"{"instance":"i","replica":"a","seq":9007199254740992,"kind":"beat"}"#,
        #"{"instance":"i","replica":"a","seq":1e300,"kind":"beat"}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"ask"}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"delta"}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"delta","changes":[{"in":["r"]}]}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"delta","changes":[{"id":"s","in":[1]}]}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"state","part":1,"parts":1,"changes":[]}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"state","part":-1,"parts":1,"changes":[]}"#,
        #"{"instance":"i","replica":"a","seq":1,"kind":"state","part":0,"parts":0,"changes":[]}"#,
    ]

    @Test("garbage is ignored and counted", arguments: Self.unreadable)
    func garbage(_ json: String) throws {
        let driver = driver()
        driver.receive(try Arguments(json: "[\(json)]"))
        #expect(driver.withPresence { $0.status } == PresenceStatus(replicas: [], ignored: 1))
    }

    @Test("no message at all, or one that is too long, is garbage too")
    func noMessage() throws {
        var options = PresenceOptions()
        options.maxReceivedBytes = 100
        let driver = driver(options)
        driver.receive(Arguments())
        let beat = #"{"instance":"i","replica":"a","seq":1,"kind":"beat"}"#
        driver.receive(try Arguments(json: "[\(beat)]"))
        driver.receive(
            try Arguments(
                json: "[\(beat.dropLast()), \"x\":\"\(String(repeating: "y", count: 50))\"}]"
            )
        )
        #expect(driver.withPresence { $0.status } == PresenceStatus(replicas: ["a"], ignored: 2))
    }

    private func driver(_ options: PresenceOptions = PresenceOptions()) -> PresenceDriver {
        PresenceDriver(
            Presence(
                instance: "own",
                replica: "own",
                isClustered: true,
                maxRoomsPerSocket: 10,
                options: options
            ),
            options: options,
            link: PresenceDriver.Link(send: { _ in }, publish: { _, _ in }),
            log: ChatLog(level: .error)
        )
    }

    @Test("a batch is never longer than its limit, unless one change of one room is")
    func batches() throws {
        var batches = ChangeBatches(limitInBytes: 300)
        for number in 0..<40 {
            let rooms = (0..<number).map { RoomKey("\u{1}\"\\ room \($0)") }
            batches.add(id: "socket \(number)", name: "n", joins: rooms, leaves: [RoomKey("l")])
            batches.addGone(id: "gone \(number)")
        }
        for batch in batches.list {
            let json = try JSONEncoder().encode(batch)
            #expect(!batch.isEmpty && json.count <= 300)
        }
        let changes = batches.list.joined()
        #expect(changes.flatMap(\.joins).count == 40 * 39 / 2)
        #expect(changes.flatMap(\.leaves).count == 40 && changes.filter(\.isGone).count == 40)
        var long = ChangeBatches(limitInBytes: 10)
        long.add(id: "s", name: "n", joins: [RoomKey("a"), RoomKey("b")])
        #expect(long.list.map { $0.map(\.joins) } == [[["a"]], [["b"]]])
    }
}
