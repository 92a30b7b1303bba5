package import Bytes

extension ByteBuffer {
    /// Appends validated JSON, with placeholders for the Node Buffers in it (redis-wire.md §1.3).
    ///
    /// `{"type":"Buffer","data":[1,2]}`, which a Node process makes of binary values where it knows
    /// only JSON, becomes `{"_placeholder":true,"num":N}` and an attachment. `json` may be a value,
    /// or several joined by commas. Beyond `maxAttachments` they stay what they are.
    package mutating func append(
        jsonWithNodeBuffers json: RawSpan,
        attachments: inout [SharedBytes],
        maxAttachments: Int = MessagePackLimits().maxAttachments
    ) {
        var copied = 0
        var offset = 0
        while offset < json.byteCount {
            switch json.byte(at: offset) {
            case ASCII.quote:
                offset = JSONScanner.skipString(in: json, at: offset)
            case ASCII.openBrace where attachments.count < maxAttachments:
                let start = offset
                guard let bytes = ObjectForm.nodeBuffer(in: json, at: &offset) else {
                    offset += 1
                    continue
                }
                append(json.extracting(copied..<start))
                append(placeholder: attachments.count)
                attachments.append(bytes)
                copied = offset
            default:
                offset += 1
            }
        }
        append(json.extracting(copied..<json.byteCount))
    }

    /// Appends the object that stands for an attachment (protocol.md §14).
    mutating func append(placeholder index: Int) {
        append("{\"_placeholder\":true,\"num\":")
        append(decimal: index.magnitude)
        append(ASCII.closeBrace)
    }
}
