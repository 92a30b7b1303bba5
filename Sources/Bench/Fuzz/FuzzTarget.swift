import Bytes
import EngineIOProtocol
import HTTP1
import MessagePack
import Redis
import SocketIOProtocol
import SocketIORedis
import WebSocket

/// A core target with a fuzz entry point.
enum FuzzTarget: String, CaseIterable {
    case http
    case websocket
    case deflate
    case engineio
    case socketio
    case msgpack
    case json
    case messagepack
    case redis
    case cluster

    /// Gives `input` to the target's parsers; false if two ways of reading it disagree.
    func run(_ input: [UInt8]) -> Bool {
        switch self {
        case .http: HTTP1Fuzz.run(input)
        case .websocket: WebSocketFuzz.run(input)
        case .deflate: DeflateFuzz.run(input)
        case .engineio: EngineFuzz.run(input)
        case .socketio: SocketIOFuzz.run(input)
        case .msgpack: MessagePackPacketFuzz.run(input)
        case .json: JSONFuzz.run(input)
        case .messagepack: MessagePackFuzz.run(input)
        case .redis: RedisFuzz.run(input)
        case .cluster: ClusterFuzz.run(input)
        }
    }

    /// Valid inputs, and some that are nearly so.
    var examples: [[UInt8]] {
        switch self {
        case .http: Self.requests.map { Array($0.utf8) }
        case .websocket: Self.frames
        case .deflate: Self.deflated + Self.offers.map { Array($0.utf8) }
        case .engineio: Self.payloads.map { Array($0.utf8) } + Self.binaryPayloads
        case .socketio: Self.packets.map { Array($0.utf8) }
        case .msgpack: Self.messagePackPackets
        case .json: Self.texts.map { Array($0.utf8) }
        case .messagepack: Self.messages + Self.messageTexts.map { Array($0.utf8) }
        case .redis: Self.replies.map { Array($0.utf8) }
        case .cluster: Self.messages + Self.clusterTexts.map { Array($0.utf8) }
        }
    }

    /// Pieces of the target's language.
    var tokens: [[UInt8]] {
        switch self {
        case .http: Self.httpTokens.map { Array($0.utf8) } + [[0x80], [0xFF]]
        case .websocket: Self.frameTokens
        case .deflate: Self.deflateTokens + Self.offerTokens.map { Array($0.utf8) }
        case .engineio:
            Self.payloadTokens.map { Array($0.utf8) }
                + [[0xC3], [0xFF], [0xED, 0xA0], [0], [1], [4], [9], [0, 1, 0xFF], [1, 2, 0xFF]]
        case .socketio: (Self.packetTokens + Self.jsonTokens).map { Array($0.utf8) } + [[0xC3]]
        case .msgpack: Self.messagePackPacketTokens + Self.messageTokens
        case .json: Self.jsonTokens.map { Array($0.utf8) } + [[0xC3], [0xF0, 0x9F], [0xED, 0xA0]]
        case .messagepack: Self.messageTokens + Self.jsonTokens.map { Array($0.utf8) }
        case .redis: Self.replyTokens.map { Array($0.utf8) } + [[0xFF]]
        case .cluster:
            Self.messageTokens + (Self.jsonTokens + Self.clusterTokens).map { Array($0.utf8) }
        }
    }
}
