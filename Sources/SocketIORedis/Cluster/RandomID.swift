/// Names for servers and requests, random enough never to meet another.
enum RandomID {
    private static let letters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8
    )
    private static let digits = Array("0123456789abcdef".utf8)

    /// `count` letters and digits.
    static func alphanumeric(_ count: Int) -> String { random(count, of: letters) }

    /// `count` hexadecimal digits.
    static func hexadecimal(_ count: Int) -> String { random(count, of: digits) }

    private static func random(_ count: Int, of alphabet: [UInt8]) -> String {
        var generator = SystemRandomNumberGenerator()
        return String(unsafeUninitializedCapacity: count) { bytes in
            for index in 0..<count {
                bytes[index] = alphabet[Int.random(in: alphabet.indices, using: &generator)]
            }
            return count
        }
    }
}
