import Bytes
import MessagePack
import SocketIO

/// Events and their options in MessagePack, as Node's adapters write them (redis-wire.md §1.2).
extension ByteBuffer {
    /// Appends `{type: 2, data: [name, …arguments]}`, with `nsp` if given; binary stays where it is.
    mutating func append(messagePack packet: EventPacket, namespace: String?) {
        appendMessagePack(mapHeader: namespace == nil ? 2 : 3)
        appendMessagePack(literal: "type")
        appendMessagePack(integer: 2)
        appendMessagePack(literal: "data")
        append(messagePackData: packet)
        if let namespace {
            appendMessagePack(literal: "nsp")
            appendMessagePack(text: namespace)
        }
    }

    /// Appends `[name, …arguments]`.
    mutating func append(messagePackData packet: EventPacket) {
        appendMessagePackArray(
            first: packet.name,
            list: packet.arguments.json.bytes,
            attachments: packet.arguments.attachments
        )
    }

    /// Appends the first argument of an acknowledgement, nil without one.
    mutating func append(messagePackFirst arguments: Arguments) {
        if let first = arguments.slices.first {
            appendMessagePack(json: first.bytes.bytes, attachments: arguments.attachments)
        } else {
            appendMessagePackNil()
        }
    }

    /// Appends `{rooms, except, flags}`, or in the order of Node's emitter `{rooms, flags, except}`.
    mutating func append(messagePack options: BroadcastOptions, flagsFirst: Bool = false) {
        appendMessagePack(mapHeader: 3)
        appendMessagePack(literal: "rooms")
        append(messagePackRooms: options.rooms)
        if flagsFirst { append(messagePackFlags: options) }
        appendMessagePack(literal: "except")
        append(messagePackRooms: options.except)
        if !flagsFirst { append(messagePackFlags: options) }
    }

    private mutating func append(messagePackFlags options: BroadcastOptions) {
        appendMessagePack(literal: "flags")
        var flags = 0
        if options.isVolatile { flags += 1 }
        if !options.isCompressed { flags += 1 }
        if options.timeout != nil { flags += 1 }
        appendMessagePack(mapHeader: flags)
        if options.isVolatile {
            appendMessagePack(literal: "volatile")
            appendMessagePack(boolean: true)
        }
        if !options.isCompressed {
            appendMessagePack(literal: "compress")
            appendMessagePack(boolean: false)
        }
        if let timeout = options.timeout {
            appendMessagePack(literal: "timeout")
            appendMessagePack(integer: timeout.milliseconds)
        }
    }

    private mutating func append(messagePackRooms rooms: [Room]) {
        appendMessagePack(arrayHeader: rooms.count)
        for room in rooms { appendMessagePack(text: room.name) }
    }
}
