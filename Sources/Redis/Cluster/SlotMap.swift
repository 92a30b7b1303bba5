import Loop

/// Which master serves which slot.
struct SlotMap: Equatable {
    private static let nobody = UInt16.max
    /// A cluster has at most a thousand nodes by its specification.
    private static let mostMasters = 16_384

    /// The masters that serve slots, each once.
    private(set) var masters: [Endpoint] = []
    /// How many slots have no master.
    private(set) var missing = KeySlot.count
    private var owners = [UInt16](repeating: nobody, count: KeySlot.count)

    /// A map without masters.
    init() {}

    /// Reads the answer to `CLUSTER SLOTS`: `[[first, last, [host, port, …], …], …]`.
    ///
    /// Nil if it is none; ranges of a node whose host nobody knows are left out.
    init?(_ reply: RedisReply, from node: Endpoint) {
        guard let ranges = reply.elements else { return nil }
        for range in ranges {
            guard let fields = range.elements, fields.count > 2, let first = fields[0].integer,
                let last = fields[1].integer, 0 <= first, first <= last, last < KeySlot.count,
                let master = fields[2].elements, master.count > 1, let port = master[1].integer
            else { return nil }
            guard let endpoint = node.at(host: master[0].text ?? "", port: port),
                let index = index(of: endpoint)
            else { continue }
            for slot in first...last { setOwner(of: slot, index) }
        }
    }

    /// Whether every slot has a master.
    var isComplete: Bool { missing == 0 }

    /// The index in `masters` of the one that serves `slot`, or nil.
    func index(of slot: KeySlot) -> Int? {
        let index = owners[Int(slot.number)]
        return index == Self.nobody ? nil : Int(index)
    }

    /// The master that serves `slot`, or nil.
    func master(of slot: KeySlot) -> Endpoint? {
        index(of: slot).map { masters[$0] }
    }

    /// Notes that `slot` is served by `master` now.
    mutating func assign(_ slot: KeySlot, to master: Endpoint) {
        if let index = index(of: master) { setOwner(of: Int(slot.number), index) }
    }

    private mutating func setOwner(of slot: Int, _ index: UInt16) {
        if owners[slot] == Self.nobody { missing -= 1 }
        owners[slot] = index
    }

    private mutating func index(of master: Endpoint) -> UInt16? {
        if let index = masters.firstIndex(of: master) { return UInt16(index) }
        guard masters.count < Self.mostMasters else { return nil }
        masters.append(master)
        return UInt16(masters.count - 1)
    }
}
