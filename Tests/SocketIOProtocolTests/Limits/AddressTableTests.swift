import SocketIOProtocol
import Testing

@Suite("Limits of addresses")
struct AddressTableTests {
    private static let second: UInt64 = 1_000_000_000
    private static let start: UInt64 = 1_000 * second
    private static let rates = AddressTable.Rates(
        handshakes: TokenRate(perSecond: 1, burst: 3),
        packets: TokenRate(perSecond: 1, burst: 10)
    )

    private func ipv4(_ number: Int) -> AddressKey {
        AddressKey(high: 0, low: UInt64(number), isIPv6: false)
    }

    @Test("of IPv6 the first 64 bits count; an IPv4 address in IPv6 is itself")
    func keys() {
        let network: UInt64 = 0x2001_0db8_0000_0001
        let one = AddressKey(high: network, low: 1, isIPv6: true)
        #expect(one == AddressKey(high: network, low: .max, isIPv6: true))
        #expect(one != AddressKey(high: network + 1, low: 1, isIPv6: true))
        let address: UInt64 = 0xC000_0201
        let mapped = AddressKey(high: 0, low: 0xFFFF_0000_0000 | address, isIPv6: true)
        #expect(mapped == AddressKey(high: 0, low: address, isIPv6: false))
        #expect(mapped != AddressKey(high: address, low: 0, isIPv6: true))
        // ::1 is no IPv4 address.
        #expect(
            AddressKey(high: 0, low: 1, isIPv6: true) != AddressKey(high: 0, low: 1, isIPv6: false)
        )
    }

    @Test("each address has its own buckets, one for handshakes and one for packets")
    func separate() {
        var table = AddressTable(rates: Self.rates, capacity: 100)
        var granted = [0, 0]
        for address in 0...1 {
            for _ in 0..<9 where table.takeHandshake(ipv4(address), at: Self.start) == .taken {
                granted[address] += 1
            }
        }
        var hint = -1
        var packets = 0
        for _ in 0..<20
        where table.takePacket(ipv4(1), at: Self.start, hint: &hint) == .taken {
            packets += 1
        }
        #expect(granted == [3, 3] && packets == 10)
        let count = table.count
        #expect(count == 2)
    }

    @Test("a hint that is wrong does no harm", arguments: [-1, 0, 1, 2, 99, Int.max, Int.min])
    func hints(_ wrong: Int) {
        var table = AddressTable(rates: Self.rates, capacity: 100)
        var hint = -1
        for _ in 0..<10 { _ = table.takePacket(ipv4(1), at: Self.start, hint: &hint) }
        hint = -1
        _ = table.takePacket(ipv4(2), at: Self.start, hint: &hint)
        hint = wrong
        let verdict = table.takePacket(ipv4(1), at: Self.start, hint: &hint)
        #expect(verdict == .refused(excess: 1, wait: Self.second))
        #expect(hint == 0)
    }

    @Test("a limit that there is not costs no memory and refuses nothing")
    func noLimits() {
        var table = AddressTable(
            rates: AddressTable.Rates(handshakes: nil, packets: nil),
            capacity: 10
        )
        var hint = 3
        for _ in 0..<100 {
            let handshake = table.takeHandshake(ipv4(1), at: 0)
            let packet = table.takePacket(ipv4(1), at: 0, hint: &hint)
            #expect(handshake == .taken && packet == .taken)
        }
        let count = table.count
        #expect(count == 0)
    }

    @Test("a flood of addresses neither grows the table nor frees who is at the limit")
    func flood() {
        var table = AddressTable(rates: Self.rates, capacity: 64)
        let offenders = 1...8
        for offender in offenders {
            for _ in 0..<5 { _ = table.takeHandshake(ipv4(offender), at: Self.start) }
        }
        // Without time passing nobody's buckets are full again.
        for other in 1000..<100_000 {
            let verdict = table.takeHandshake(ipv4(other), at: Self.start)
            #expect(verdict == .taken)
        }
        let count = table.count
        #expect(count == 64)
        for offender in offenders {
            let verdict = table.takeHandshake(ipv4(offender), at: Self.start)
            #expect(verdict != .taken)
        }
    }

    @Test("whoever has full buckets again makes room first")
    func forgetting() {
        var table = AddressTable(rates: Self.rates, capacity: 8)
        for address in 0..<8 { _ = table.takeHandshake(ipv4(address), at: Self.start) }
        // The first four again later: only the others are full by then.
        let later = Self.start + 10 * Self.second
        for address in 0..<4 {
            for _ in 0..<3 { _ = table.takeHandshake(ipv4(address), at: later) }
        }
        for newcomer in 100..<104 {
            for _ in 0..<3 { _ = table.takeHandshake(ipv4(newcomer), at: later) }
        }
        for known in [0, 1, 2, 3, 100, 101, 102, 103] {
            let verdict = table.takeHandshake(ipv4(known), at: later)
            #expect(verdict != .taken)
        }
        let count = table.count
        #expect(count == 8)
    }

    @Test("an address gets one line a period in the log, whatever the clock does")
    func log() {
        var table = AddressTable(rates: Self.rates, capacity: 8)
        let lines = [
            table.takeLogTurn(ipv4(1), at: Self.start, every: 60),
            table.takeLogTurn(ipv4(1), at: Self.start + 59, every: 60),
            table.takeLogTurn(ipv4(2), at: Self.start, every: 60),
            table.takeLogTurn(ipv4(1), at: Self.start + 60, every: 60),
            table.takeLogTurn(ipv4(1), at: .max, every: 60),
        ]
        #expect(lines == [true, false, true, true, true])
    }

    @Test("a capacity of nothing is one", arguments: [0, -1, Int.min])
    func noCapacity(_ capacity: Int) {
        var table = AddressTable(rates: Self.rates, capacity: capacity)
        for address in 0..<10 { _ = table.takeHandshake(ipv4(address), at: Self.start) }
        let count = table.count
        #expect(count == 1)
    }
}
