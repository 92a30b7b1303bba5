package import Bytes

/// The objects that stand for attachments, `{"_placeholder":true,"num":k}` (protocol.md §14).
package enum Placeholders {
    /// What the members read so far say about an open object, or that it is an array.
    private struct Level {
        var isObject: Bool
        var wantsName: Bool
        var name = Name.other
        var isMarked = false
        var hasIndex = false
    }

    /// The members that matter.
    private enum Name {
        case placeholder
        case num
        case other
    }

    /// Checks every placeholder in validated JSON: its `num` must be the index of an attachment.
    ///
    /// One pass, without recursion. As in JSON.parse the last of two members of one name counts,
    /// names may be escaped, and other members do not matter. A placeholder inside a placeholder
    /// is checked too (the reference drops it unseen), and `num` must be written as an integer.
    ///
    /// - Throws: `PacketError.illegalPlaceholder`.
    package static func check(_ json: RawSpan, attachments: Int) throws(PacketError) {
        guard scan(json, attachments: attachments).allHaveIndex else { throw .illegalPlaceholder }
    }

    /// How many objects in validated JSON are marked as placeholders, whatever their `num`.
    package static func count(in json: RawSpan) -> Int {
        scan(json, attachments: 0).count
    }

    private static func scan(
        _ json: RawSpan,
        attachments: Int
    ) -> (count: Int, allHaveIndex: Bool) {
        var count = 0
        var allHaveIndex = true
        var open: [Level] = []
        var offset = 0
        while offset < json.byteCount {
            let start = offset
            offset += 1
            switch json.byte(at: start) {
            case ASCII.openBrace:
                setValue(in: &open, isTrue: false, isIndex: false)
                open.append(Level(isObject: true, wantsName: true))
            case ASCII.openBracket:
                setValue(in: &open, isTrue: false, isIndex: false)
                open.append(Level(isObject: false, wantsName: false))
            case ASCII.closeBrace, ASCII.closeBracket:
                guard let level = open.popLast() else { return (count, allHaveIndex) }
                if level.isMarked {
                    count += 1
                    if !level.hasIndex { allHaveIndex = false }
                }
            case ASCII.comma:
                if let last = open.indices.last { open[last].wantsName = open[last].isObject }
            case ASCII.quote:
                offset = JSONScanner.skipString(in: json, at: start)
                if let last = open.indices.last, open[last].wantsName {
                    open[last].name = name(
                        json.extracting((start + 1)..<max(offset - 1, start + 1))
                    )
                    open[last].wantsName = false
                } else {
                    setValue(in: &open, isTrue: false, isIndex: false)
                }
            case ASCII.colon, ASCII.space, ASCII.tab, ASCII.lineFeed, ASCII.carriageReturn:
                break
            default:
                offset = JSONScanner.skipScalar(in: json, at: start)
                let scalar = json.extracting(start..<offset)
                let isIndex = index(scalar).map { $0 < attachments } ?? false
                setValue(in: &open, isTrue: scalar.isEqual(to: "true"), isIndex: isIndex)
            }
        }
        return (count, allHaveIndex)
    }

    /// The index that a value stands for, or nil if it is no placeholder.
    package static func index(in value: JSONSlice) -> Int? {
        guard value.kind == .object,
            value.member(named: "_placeholder")?.boolean == true,
            let num = value.member(named: "num"), num.kind == .number
        else { return nil }
        return index(num.bytes.bytes)
    }

    /// Notes the value of the member that the innermost object is at.
    private static func setValue(in open: inout [Level], isTrue: Bool, isIndex: Bool) {
        guard let last = open.indices.last, open[last].isObject else { return }
        switch open[last].name {
        case .placeholder: open[last].isMarked = isTrue
        case .num: open[last].hasIndex = isIndex
        case .other: break
        }
    }

    private static func name(_ contents: RawSpan) -> Name {
        if contents.isEqual(to: "num") { return .num }
        if contents.isEqual(to: "_placeholder") { return .placeholder }
        // At most six bytes for each character of `_placeholder`.
        guard contents.byteCount <= 72, contents.firstIndex(of: ASCII.backslash) != nil else {
            return .other
        }
        var unescaped = ByteBuffer()
        unescaped.append(unescaping: contents)
        if unescaped.bytes.isEqual(to: "num") { return .num }
        return unescaped.bytes.isEqual(to: "_placeholder") ? .placeholder : .other
    }

    /// The value of a small non-negative integer; nil for anything else.
    private static func index(_ number: RawSpan) -> Int? {
        guard 1...9 ~= number.byteCount else { return nil }
        var value = 0
        for offset in 0..<number.byteCount {
            let digit = number.byte(at: offset)
            guard ASCII.isDigit(digit) else { return nil }
            value = value * 10 + Int(digit - ASCII.zero)
        }
        return value
    }
}
