import Bytes
import EngineIOProtocol
import Loop

/// HTTP long-polling (protocol.md §6): packets wait here for the client's next GET.
///
/// Loop-owned by its session. Holds at most one pending GET and one POST under way.
struct PollingTransport {
    private var queue: [OutgoingPacket] = []
    private(set) var queuedBytes = 0
    private var poll: HTTPConnection?
    private var post: HTTPConnection?

    /// Whether a GET waits for packets.
    var hasPendingPoll: Bool { poll != nil }
    var hasPendingPost: Bool { post != nil }
    var isQueueEmpty: Bool { queue.isEmpty }

    mutating func append(_ packet: OutgoingPacket) {
        queue.append(packet)
        queuedBytes += packet.frame.count
    }

    mutating func setPoll(_ connection: HTTPConnection) { poll = connection }

    mutating func setPost(_ connection: HTTPConnection?) { post = connection }

    func isPoll(_ connection: HTTPConnection) -> Bool { poll === connection }

    func isPost(_ connection: HTTPConnection) -> Bool { post === connection }

    mutating func takePoll() -> HTTPConnection? {
        defer { poll = nil }
        return poll
    }

    mutating func takePost() -> HTTPConnection? {
        defer { post = nil }
        return post
    }

    mutating func takeQueue() -> [OutgoingPacket] {
        defer {
            queue = []
            queuedBytes = 0
        }
        return queue
    }

    /// The body of a poll response, and whether it may be compressed (§11).
    struct Body {
        let bytes: SharedBytes
        let isCompressible: Bool
    }

    /// The body of a poll response.
    static func encode(_ packets: [OutgoingPacket]) -> Body {
        var writer = PayloadWriter()
        for packet in packets {
            if packet.isBinary {
                writer.append(binary: packet.payload.bytes)
            } else {
                writer.append(unit: packet.payload.bytes)
            }
        }
        return Body(
            bytes: writer.takeShared(),
            isCompressible: packets.contains { $0.isCompressible }
        )
    }
}
