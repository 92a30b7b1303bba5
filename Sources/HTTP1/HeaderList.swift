package import Bytes

/// One field line: slices of the head.
package struct HeaderField: Equatable, Sendable {
    /// The name as it was sent; compare without case.
    package let name: SharedBytes

    /// The value without whitespace at its ends; maybe empty.
    package let value: SharedBytes
}

/// The field lines of a head in their order (RFC 9110 §5).
///
/// A few lines are searched faster than hashed. All values share the head's one allocation.
package struct HeaderList: Sendable {
    /// Where a name and a value stand in the head.
    struct Entry: Sendable {
        let nameStart: UInt32
        let nameEnd: UInt32
        let valueStart: UInt32
        let valueEnd: UInt32

        init(name: Range<Int>, value: Range<Int>) {
            nameStart = UInt32(name.lowerBound)
            nameEnd = UInt32(name.upperBound)
            valueStart = UInt32(value.lowerBound)
            valueEnd = UInt32(value.upperBound)
        }

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    /// The whole head.
    let bytes: SharedBytes
    private let entries: [Entry]

    init(bytes: SharedBytes, entries: [Entry]) {
        self.bytes = bytes
        self.entries = entries
    }

    /// The value of the first field of that name, compared without case, or nil.
    package subscript(name: StaticString) -> SharedBytes? {
        let bytes = bytes.bytes
        for entry in entries where bytes.extracting(entry.name).isEqualIgnoringCase(to: name) {
            return self.bytes[entry.value]
        }
        return nil
    }

    /// The values of all fields of that name, compared without case, in their order.
    package func all(_ name: StaticString) -> [SharedBytes] {
        let bytes = bytes.bytes
        var values: [SharedBytes] = []
        for entry in entries where bytes.extracting(entry.name).isEqualIgnoringCase(to: name) {
            values.append(self.bytes[entry.value])
        }
        return values
    }

    /// Whether a comma-separated list field holds `token`, without case (RFC 9110 §5.6.1).
    package func list(_ name: StaticString, contains token: StaticString) -> Bool {
        let bytes = bytes.bytes
        for entry in entries where bytes.extracting(entry.name).isEqualIgnoringCase(to: name) {
            var elements = ListElements(entry.value)
            while let element = elements.next(in: bytes) {
                if bytes.extracting(element).isEqualIgnoringCase(to: token) { return true }
            }
        }
        return false
    }
}

extension HeaderList: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { entries.count }

    /// The field line at `index`.
    package subscript(index: Int) -> HeaderField {
        let entry = entries[index]
        return HeaderField(name: bytes[entry.name], value: bytes[entry.value])
    }
}
