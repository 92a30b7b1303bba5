/// How long a closing connection waits for its peer.
package struct Patience: Sendable {
    /// How long the peer may take nothing of what is queued for it.
    package var drainTime: Duration
    /// How long the peer may still send after our side has ended.
    package var lingerTime: Duration
    /// How much the peer may still send after our side has ended.
    package var lingerLimitInBytes: Int

    /// Waits as given.
    package init(
        drainTime: Duration = .seconds(10),
        lingerTime: Duration = .seconds(2),
        lingerLimitInBytes: Int = 16 << 20
    ) {
        self.drainTime = drainTime
        self.lingerTime = lingerTime
        self.lingerLimitInBytes = lingerLimitInBytes
    }
}
