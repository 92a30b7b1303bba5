import SocketIOProtocol
import Synchronization

// What rate limits cost for each packet.
extension MicroBenchmark {
    private static let rate = TokenRate(perSecond: 1e9, burst: 100)
    private static let addresses = 10_000

    private static func key(_ number: Int) -> AddressKey {
        AddressKey(high: 0, low: UInt64(number), isIPv6: false)
    }

    /// A table as it is shared, with its lock, that knows all addresses.
    private final class Table: Sendable {
        let table: Mutex<AddressTable>

        init() {
            let rates = AddressTable.Rates(handshakes: rate, packets: rate)
            var table = AddressTable(rates: rates, capacity: addresses)
            for number in 0..<addresses { _ = table.takeHandshake(key(number), at: 0) }
            self.table = Mutex(table)
        }
    }

    static let tokenBucket = MicroBenchmark("a token taken from a bucket") {
        var bucket = TokenBucket()
        var taken = 0
        for round in 0..<$0 where bucket.take(rate, at: UInt64(round)) == .taken { taken &+= 1 }
        return taken
    }

    static let addressLimit = MicroBenchmark("an address of 10,000 found, its token taken") {
        let shared = Table()
        var taken = 0
        for round in 0..<$0 {
            let key = key(round % addresses)
            let verdict = shared.table.withLock { $0.takeHandshake(key, at: UInt64(round)) }
            if verdict == .taken { taken &+= 1 }
        }
        return taken
    }

    static let addressLimitByHint = MicroBenchmark("a token of an address whose place is known") {
        let shared = Table()
        let key = key(4711)
        var place = -1
        var taken = 0
        for round in 0..<$0 {
            let hint = place
            let (verdict, found) = shared.table.withLock { table in
                var found = hint
                return (table.takePacket(key, at: UInt64(round), hint: &found), found)
            }
            place = found
            if verdict == .taken { taken &+= 1 }
        }
        return taken
    }
}
