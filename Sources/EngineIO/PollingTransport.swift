import Bytes
import EngineIOProtocol
import Loop

/// HTTP long-polling (protocol.md §6): packets wait in the session for the client's next GET.
///
/// Loop-owned by its session. Holds at most one pending GET and one POST under way.
struct PollingTransport {
    let format: PayloadFormat
    private var isPongQueued = false
    private var poll: HTTPConnection?
    /// What carries the response to the last poll, and where that ends in what it carries.
    private var lastResponse: (connection: Connection, end: Int)?
    private var post: HTTPConnection?

    init(format: PayloadFormat) {
        self.format = format
    }

    /// Whether a GET waits for packets.
    var hasPendingPoll: Bool { poll != nil }
    var hasPendingPost: Bool { post != nil }

    /// Notes that a pong is to be queued; false if one is already, which answers all pings so far.
    ///
    /// A body of nothing but pings would otherwise be answered by ten times its size in memory.
    mutating func notePong() -> Bool {
        defer { isPongQueued = true }
        return !isPongQueued
    }

    mutating func setPoll(_ connection: HTTPConnection) { poll = connection }

    mutating func setPost(_ connection: HTTPConnection?) { post = connection }

    func isPoll(_ connection: HTTPConnection) -> Bool { poll === connection }

    func isPost(_ connection: HTTPConnection) -> Bool { post === connection }

    mutating func takePoll() -> HTTPConnection? {
        defer { poll = nil }
        return poll
    }

    /// Packets have been written to a connection that had been waiting for them.
    mutating func noteResponse(on connection: Connection) {
        lastResponse = (connection, connection.takenBytes + connection.bufferedBytes)
    }

    /// Whether the client cannot have read the last response, or never will, and yet polls on
    /// another connection: its packets are lost, and others like it would add up.
    func isResponseUnread(besides connection: HTTPConnection) -> Bool {
        // What follows it on its connection may be for anybody.
        guard let (carrier, end) = lastResponse, carrier.takenBytes < end else { return false }
        return carrier.isClosed || carrier !== connection.connection
    }

    mutating func takePost() -> HTTPConnection? {
        defer { post = nil }
        return post
    }

    /// The session has moved to a WebSocket.
    mutating func forgetResponse() { lastResponse = nil }

    /// The queue has been taken, with the pong if there was one.
    mutating func forgetPong() { isPongQueued = false }

    /// The body of a poll response.
    func encode(_ packets: [OutgoingPacket]) -> PollBody { format.encode(packets) }
}
