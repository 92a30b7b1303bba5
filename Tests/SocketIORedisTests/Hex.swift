import Bytes

/// Bytes written as hexadecimal digits, spaces ignored.
func bytes(_ hex: String) -> SharedBytes {
    let digits = hex.utf8.compactMap { ASCII.hexValue($0) }
    return SharedBytes(
        stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    )
}

/// Bytes as hexadecimal digits.
func hex(_ bytes: SharedBytes) -> String {
    bytes.array.map { byte in
        let text = String(byte, radix: 16)
        return text.count == 1 ? "0" + text : text
    }.joined()
}

/// `hex` without its spaces.
func compact(_ hex: String) -> String { hex.filter { !$0.isWhitespace } }
