/// When a client was in a room: after `since`, up to `until` if it has left.
package struct RoomStay: Sendable {
    let room: String
    let since: Offset
    let until: Offset?

    /// A stay that goes on if there is no `until`.
    package init(in room: String, since: Offset, until: Offset? = nil) {
        self.room = room
        self.since = since
        self.until = until
    }
}

/// What a namespace has sent lately, for clients that come back (protocol.md §20).
///
/// Bounded in time, number and bytes; reads no clock. Indexed by room, so that what one client has
/// missed costs as much as there is of it, whatever was sent to others.
package struct PacketLog<Packet> {
    private struct Entry {
        let offset: Offset
        let packet: Packet
        let rooms: [RoomName]
        let cost: Int
        /// When it is too old, in milliseconds.
        let expiry: UInt64
    }

    /// How long packets are kept, in milliseconds.
    private let lifetime: UInt64
    private let maxCount: Int
    private let maxBytes: Int
    /// By number, oldest first.
    private var entries = NumberedQueue<Entry>()
    /// The numbers of the packets for everybody, and for each room.
    private var forAll = NumberedQueue<Int>()
    private var forRooms: [RoomName: NumberedQueue<Int>] = [:]
    private(set) package var bytes = 0
    /// The newest position given.
    private(set) package var newest: Offset
    /// Everything after it is still here.
    private var complete: Offset

    /// An empty log that begins at a time, given in milliseconds since 1970.
    package init(lifetime: Duration, maxCount: Int, maxBytes: Int, milliseconds wall: UInt64) {
        self.lifetime = lifetime.wholeMilliseconds
        self.maxCount = max(maxCount, 0)
        self.maxBytes = max(maxBytes, 0)
        newest = Offset.start.next(milliseconds: wall)
        complete = newest
    }

    package var count: Int { entries.count }

    /// Keeps a packet of `cost` bytes for `rooms`, or for everybody, and gives it its position.
    ///
    /// `wall` is the time for the position, in milliseconds since 1970; `now` is of a clock that
    /// only goes on, and counts for its life.
    package mutating func append(
        _ packet: Packet,
        rooms: [String],
        cost: Int,
        now: UInt64,
        milliseconds wall: UInt64
    ) -> Offset {
        newest = newest.next(milliseconds: wall)
        let rooms = rooms.map { RoomName(text: $0) }
        let number = entries.append(
            Entry(
                offset: newest,
                packet: packet,
                rooms: rooms,
                cost: cost,
                expiry: now.addingClamped(lifetime)
            )
        )
        if rooms.isEmpty { _ = forAll.append(number) }
        for room in rooms where forRooms[room]?.last != number {
            _ = forRooms[room, default: NumberedQueue()].append(number)
        }
        bytes += cost
        while count > maxCount || bytes > maxBytes { removeOldest() }
        purge(now: now)
        return newest
    }

    /// Forgets what is too old.
    package mutating func purge(now: UInt64) {
        while let first = entries.first, first.expiry <= now { removeOldest() }
    }

    /// Forgets the oldest packet; false if there is none.
    @discardableResult
    package mutating func removeOldest() -> Bool {
        let number = entries.firstNumber
        guard let first = entries.removeFirst() else { return false }
        complete = first.offset
        bytes -= first.cost
        if first.rooms.isEmpty { _ = forAll.removeFirst() }
        for room in first.rooms where forRooms[room]?.first == number {
            // Nothing is copied while it is changed in its place.
            if forRooms[room]?.count == 1 {
                forRooms[room] = nil
            } else {
                _ = forRooms[room]?.removeFirst()
            }
        }
        return true
    }

    /// Whether `offset` was given to a packet that is here, or to the newest that is not any more.
    package func knows(_ offset: Offset) -> Bool {
        offset == complete || place(before: offset) != nil
    }

    /// The position before that of a packet that is here; nil if it is not.
    package func place(before offset: Offset) -> Offset? {
        let number = entries.firstNumber { $0.offset >= offset }
        guard entries.has(number), entries[number].offset == offset else { return nil }
        return number > entries.firstNumber ? entries[number - 1].offset : complete
    }

    /// What a client has missed since `offset`, in order.
    ///
    /// - Parameters:
    ///   - offset: What it has received last.
    ///   - rooms: The rooms it is in or was in.
    ///   - start: The position at which it came; what is for everybody counts from there.
    ///   - maxCount: How many packets that may be, those that it was excluded from included.
    ///   - maxBytes: How much they may cost.
    ///   - isExcluded: Whether a packet, sent at a position, was not for it though its rooms were.
    /// - Returns: The packets; nil if some are not here any more, if `offset` is none of this log,
    ///   or if they are too many.
    package func packets(
        after offset: Offset,
        rooms: some Sequence<RoomStay>,
        start: Offset,
        maxCount: Int = .max,
        maxBytes: Int = .max,
        isExcluded: (Packet, Offset) -> Bool = { _, _ in false }
    ) -> [(offset: Offset, packet: Packet)]? {
        guard max(offset, start) >= complete, offset <= newest else { return nil }
        let first = forAll.firstNumber { entries[$0].offset > max(offset, start) }
        guard forAll.count(from: first) <= maxCount else { return nil }
        var numbers = forAll.elements(from: first, count: forAll.count(from: first))
        for stay in rooms {
            guard let queue = forRooms[RoomName(text: stay.room)] else { continue }
            let first = queue.firstNumber { entries[$0].offset > max(offset, stay.since) }
            let end = stay.until.map { until in queue.firstNumber { entries[$0].offset > until } }
            let count = queue.count(from: first) - (end.map { queue.count(from: $0) } ?? 0)
            guard count > 0 else { continue }
            guard count <= maxCount else { return nil }
            numbers += queue.elements(from: first, count: count)
            // Whoever is in many rooms of one packet has it here as often.
            if numbers.count > maxCount { numbers = Array(Set(numbers)) }
            if numbers.count > maxCount { return nil }
        }
        numbers.sort()
        var missed: [(offset: Offset, packet: Packet)] = []
        var last = -1
        var bytes = 0
        for number in numbers where number != last {
            last = number
            let entry = entries[number]
            if isExcluded(entry.packet, entry.offset) { continue }
            bytes += entry.cost
            if bytes > maxBytes || missed.count == maxCount { return nil }
            missed.append((entry.offset, entry.packet))
        }
        return missed
    }
}

/// A queue whose elements keep the number that they got when they came.
private struct NumberedQueue<Element> {
    /// Those before `head` are gone.
    private var elements: [Element?] = []
    private var head = 0
    /// The number of `elements[0]`.
    private var base = 0

    var count: Int { elements.count - head }
    var firstNumber: Int { base + head }
    var first: Element? { head < elements.count ? elements[head] : nil }
    var last: Element? { head < elements.count ? elements[elements.count - 1] : nil }

    subscript(number: Int) -> Element {
        guard let element = elements[number - base] else {
            preconditionFailure("an element that is gone was asked for")
        }
        return element
    }

    /// Gives the element's number.
    mutating func append(_ element: Element) -> Int {
        elements.append(element)
        return base + elements.count - 1
    }

    mutating func removeFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        // Half of the array is holes: close them, which costs each element one move.
        if head > 32, head * 2 > elements.count {
            elements.removeFirst(head)
            base += head
            head = 0
        }
        return element
    }

    func has(_ number: Int) -> Bool { number >= firstNumber && number < base + elements.count }

    /// How many elements there are from `number` on.
    func count(from number: Int) -> Int { base + elements.count - number }

    /// So many elements from `number` on.
    func elements(from number: Int, count: Int) -> [Element] {
        elements[(number - base)..<(number - base + count)].compactMap(\.self)
    }

    /// The number of the first element for which `isAfter` is true; it is for all that follow.
    func firstNumber(where isAfter: (Element) -> Bool) -> Int {
        var low = head
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if let element = elements[middle], isAfter(element) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return base + low
    }
}

extension Duration {
    /// Not less than zero, and so that no sum of it with a time of ours overflows.
    var wholeMilliseconds: UInt64 {
        let seconds = min(max(components.seconds, 0), 1 << 40)
        return UInt64(seconds) * 1000
            + UInt64(max(components.attoseconds, 0)) / 1_000_000_000_000_000
    }
}

extension UInt64 {
    func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
