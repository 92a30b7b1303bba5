package import Bytes

/// The first packet of a session, which tells the client how it works (protocol.md §4).
package struct OpenPacket: Equatable, Sendable {
    package var sid: SessionID
    /// The transports a client may upgrade to; none once it is on WebSocket.
    package var upgrades: [TransportName]
    package var pingInterval: Duration
    package var pingTimeout: Duration
    /// How many bytes a POST body or a WebSocket message may have.
    package var maxPayload: Int

    /// An open packet, by default with the reference's figures (protocol.md §12).
    package init(
        sid: SessionID,
        upgrades: [TransportName],
        pingInterval: Duration = .milliseconds(25_000),
        pingTimeout: Duration = .milliseconds(20_000),
        maxPayload: Int = 1_000_000
    ) {
        self.sid = sid
        self.upgrades = upgrades
        self.pingInterval = pingInterval
        self.pingTimeout = pingTimeout
        self.maxPayload = maxPayload
    }

    /// The unit on the wire, type digit included; the keys always in the same order.
    package var unit: SharedBytes {
        var unit = ByteBuffer(capacity: 160)
        unit.append(EnginePacketType.open.rawValue)
        unit.append("{\"sid\":\"")
        sid.write(into: &unit)
        unit.append("\",\"upgrades\":[")
        for (index, transport) in upgrades.enumerated() {
            if index > 0 { unit.append(ASCII.comma) }
            unit.append(jsonString: transport.rawValue)
        }
        unit.append("],\"pingInterval\":")
        unit.append(decimal: Self.milliseconds(pingInterval))
        unit.append(",\"pingTimeout\":")
        unit.append(decimal: Self.milliseconds(pingTimeout))
        unit.append(",\"maxPayload\":")
        unit.append(decimal: UInt64(max(maxPayload, 0)))
        unit.append("}")
        return unit.takeShared()
    }

    /// Whole milliseconds, negative durations being none.
    private static func milliseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        let whole = UInt64(max(seconds, 0)).multipliedReportingOverflow(by: 1000)
        guard !whole.overflow else { return .max }
        let fraction = UInt64(max(attoseconds, 0)) / 1_000_000_000_000_000
        let sum = whole.partialValue.addingReportingOverflow(fraction)
        return sum.overflow ? .max : sum.partialValue
    }
}
