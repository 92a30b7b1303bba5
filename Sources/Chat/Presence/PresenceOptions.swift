/// Times and bounds of ``Presence``.
package struct PresenceOptions: Equatable, Sendable {
    /// How often ``Presence/tick(now:)`` is called: how long a change waits for others to join it.
    package var tickPeriod = Duration.milliseconds(100)
    /// The time between two signs of life.
    package var heartbeatPeriod = Duration.seconds(2)
    /// How long another replica may be silent before it counts as dead.
    package var silenceLimit = Duration.seconds(6)
    /// How long a replica may be silent after another one has started under its name.
    package var suspicionLimit = Duration.seconds(3)
    /// When to ask again for a snapshot that does not come.
    package var askAgainPeriod = Duration.seconds(1)
    /// The least time between two snapshots of our own; all who ask meanwhile share one.
    package var snapshotPause = Duration.milliseconds(500)
    /// The least time between two `presence` events of one room.
    package var publishPause = Duration.milliseconds(250)
    /// Bytes of `presence` events that one room's watchers together get per second, about.
    ///
    /// Large rooms hear less often.
    package var publishBytesPerSecond = 4_000_000
    /// Where a message is split, in bytes of JSON; a single change may be longer.
    ///
    /// The others read one on a loop, about 1 ms for this length.
    package var maxMessageBytes = 16_384
    /// Bytes of JSON beyond which another replica's message is ignored.
    package var maxReceivedBytes = 1_048_576
    /// How many members of a room are listed.
    package var maxListedMembers = 100
    /// Where names of members are cut, in bytes of UTF-8.
    package var maxNameBytes = 80
    /// The longest name of a room that another replica may tell of, in bytes of UTF-8.
    package var maxRoomNameBytes = 200
    /// How many other replicas may be known.
    package var maxReplicas = 64
    /// How many sockets each of them may have in rooms.
    package var maxSocketsPerReplica = 100_000
    /// How many memberships, sockets times rooms, each of them may have.
    package var maxMembershipsPerReplica = 1_000_000

    /// The defaults.
    package init() {}
}
