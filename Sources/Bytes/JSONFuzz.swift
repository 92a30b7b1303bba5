/// The fuzz entry point of the JSON scanner, slices and strings.
package enum JSONFuzz {
    /// Walks any input in every way there is; true if the ways agree.
    ///
    /// It must neither trap nor hang, whatever the bytes.
    package static func run(_ input: [UInt8]) -> Bool {
        let text = SharedBytes(input)
        _ = JSONText.unescaped(text.bytes)
        guard JSONScanner.skipValue(in: text.bytes, at: 0) <= text.count else { return false }
        guard isWritable(text) else { return false }
        do throws(JSONError) {
            return agrees(try JSONSlice(validating: text))
        } catch {
            // Slices of text that is not JSON mean nothing, but stay inside of it.
            _ = JSONSlice.list(text)
            _ = JSONSlice(validated: text).members()
            return true
        }
    }

    /// Whether skipping, validating and splitting find the same values at every level.
    private static func agrees(_ whole: JSONSlice) -> Bool {
        var open = [whole]
        while let slice = open.popLast() {
            let bytes = slice.bytes
            do throws(JSONError) {
                let end = try JSONScanner.validateValue(in: bytes.bytes, at: 0)
                let skipped = JSONScanner.skipValue(in: bytes.bytes, at: 0)
                guard end == bytes.count, skipped == end else { return false }
            } catch {
                return false
            }
            switch slice.kind {
            case .array: open += slice.elements()
            case .object: open += slice.members().map(\.value)
            case .string: if slice.string == nil { return false }
            case .number: if slice.number == nil { return false }
            case .boolean, .null: break
            }
        }
        return true
    }

    /// Whether the bytes, written as a JSON string, are valid and read back the same.
    private static func isWritable(_ text: SharedBytes) -> Bool {
        var written = ByteBuffer()
        written.append(jsonString: text.bytes)
        do throws(JSONError) {
            try JSONScanner.validate(written.bytes)
        } catch {
            return false
        }
        var read = ByteBuffer()
        read.append(unescaping: written.bytes.extracting(1..<(written.count - 1)))
        return read.bytes.isEqual(to: text.bytes)
    }
}
