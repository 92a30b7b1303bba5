import SocketIO
import Synchronization

/// The requests of this server that wait for others' answers, by their ids; from any thread.
final class PendingRequests: Sendable {
    enum Request: Sendable {
        case sockets(ResponseCollector<SocketSnapshot>)
        case rooms(ResponseCollector<Room>)
        case serverSideAnswers(ResponseCollector<Arguments>)
        case acks(BroadcastAcks)
    }

    private let requests = Mutex<[String: Request]>([:])

    func add(_ request: Request, id: String) {
        requests.withLock { $0[id] = request }
    }

    func remove(_ id: String) {
        _ = requests.withLock { $0.removeValue(forKey: id) }
    }

    /// Hands an answer to the request that waits for it; late and strange ones are dropped.
    func received(_ message: ClusterMessage, from sender: String?) {
        guard let id = message.answeredRequest, let request = requests.withLock({ $0[id] }) else {
            return
        }
        switch (request, message) {
        case (.sockets(let collector), .sockets(let sockets, _)):
            collector.add(sockets, from: sender)
        case (.rooms(let collector), .rooms(let rooms, _)): collector.add(rooms, from: sender)
        case (.serverSideAnswers(let collector), .serverSideAnswer(let answer, _)):
            collector.add([answer], from: sender)
        case (.acks(let acks), .clientCount(let count, _)):
            acks.sourceReported(clients: count, source: sender)
        case (.acks(let acks), .ack(let answer, _)): acks.received(answer, source: sender)
        case (.acks(let acks), .clientLeft): acks.received(nil, source: sender)
        default: break
        }
    }
}

extension ClusterMessage {
    /// The request that this answers; nil for what is no answer.
    var answeredRequest: String? {
        switch self {
        case .sockets(_, let id), .rooms(_, let id), .ids(_, let id), .serverSideAnswer(_, let id),
            .clientCount(_, let id), .ack(_, let id), .clientLeft(let id), .receipt(let id):
            id
        case .broadcast, .join, .leave, .disconnect, .fetchSockets, .fetchRooms, .fetchIDs,
            .serverSideEmit:
            nil
        }
    }
}
