/// What addresses have used of their limits: so many of them at most, found by key.
///
/// An address whose buckets are full again is as one never seen, so its place goes to the next
/// newcomer. While there is none, the newcomer takes the place of whoever has used least among a
/// few: a flood of addresses makes newcomers replace each other, while those at their limit stay.
package struct AddressTable: ~Copyable {
    /// The limits; nil is none.
    package struct Rates: Equatable, Sendable {
        package let handshakes: TokenRate?
        package let packets: TokenRate?

        /// Limits by their parts.
        package init(handshakes: TokenRate?, packets: TokenRate?) {
            self.handshakes = handshakes
            self.packets = packets
        }
    }

    private struct Entry {
        var key: AddressKey
        var handshakes = TokenBucket()
        var packets = TokenBucket()
        /// Before then it is not worth another line in a log.
        var nextLine: UInt64 = 0

        func usedShare(_ rates: Rates, at now: UInt64) -> Double {
            max(
                rates.handshakes.map { handshakes.usedShare($0, at: now) } ?? 0,
                rates.packets.map { packets.usedShare($0, at: now) } ?? 0
            )
        }
    }

    /// How many entries are looked at when a newcomer needs a place.
    private static var sample: Int { 16 }

    private let rates: Rates
    private let capacity: Int
    private var entries: [Entry] = []
    private var places: [AddressKey: Int32] = [:]
    private var hand = 0

    /// An empty table for `capacity` addresses, at least one.
    package init(rates: Rates, capacity: Int) {
        self.rates = rates
        self.capacity = min(max(capacity, 1), Int(Int32.max))
    }

    /// How many addresses are remembered.
    package var count: Int { entries.count }

    /// A handshake from `key`.
    package mutating func takeHandshake(_ key: AddressKey, at now: UInt64) -> TokenBucket.Verdict {
        guard let rate = rates.handshakes else { return .taken }
        let place = place(of: key, at: now)
        return entries[place].handshakes.take(rate, at: now)
    }

    /// A packet from `key`; `hint` is where it was last, and becomes where it is.
    package mutating func takePacket(
        _ key: AddressKey,
        at now: UInt64,
        hint: inout Int
    ) -> TokenBucket.Verdict {
        guard let rate = rates.packets else { return .taken }
        if !entries.indices.contains(hint) || entries[hint].key != key {
            hint = place(of: key, at: now)
        }
        return entries[hint].packets.take(rate, at: now)
    }

    /// Whether `key` deserves a line in a log: one a `period`, while it is remembered.
    package mutating func takeLogTurn(
        _ key: AddressKey,
        at now: UInt64,
        every period: UInt64
    ) -> Bool {
        let place = place(of: key, at: now)
        guard now >= entries[place].nextLine else { return false }
        entries[place].nextLine = now.addingReportingOverflow(period).partialValue
        return true
    }

    private mutating func place(of key: AddressKey, at now: UInt64) -> Int {
        if let place = places[key] { return Int(place) }
        let place: Int
        if entries.count < capacity {
            place = entries.count
            entries.append(Entry(key: key))
        } else {
            place = leastUsed(at: now)
            places[entries[place].key] = nil
            entries[place] = Entry(key: key)
        }
        places[key] = Int32(place)
        return place
    }

    /// Of the next few entries the one that has used least of its limits.
    private mutating func leastUsed(at now: UInt64) -> Int {
        var best = hand
        var bestShare = Double.infinity
        for _ in 0..<min(Self.sample, entries.count) {
            hand = hand + 1 < entries.count ? hand + 1 : 0
            let share = entries[hand].usedShare(rates, at: now)
            if share < bestShare {
                best = hand
                bestShare = share
            }
            if share == 0 { break }
        }
        return best
    }
}
