import Bytes
import Testing

@Suite("RFC 3174: SHA-1")
struct SHA1Tests {
    /// The four of §7.3, the empty one, and one that needs two blocks of padding.
    static let vectors = [
        ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        (
            "0123456701234567012345670123456701234567012345670123456701234567", 10,
            "dea356a2cddd90c7a7ecedc5ebb563934f460452"
        ),
        ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (
            "The quick brown fox jumps over the lazy dog", 1,
            "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
        ),
    ]

    @Test("§7.3: the test vectors", arguments: vectors)
    func vector(text: String, times: Int, expected: String) {
        let bytes = SharedBytes(String(repeating: text, count: times))
        let digest = SHA1.digest(of: bytes.bytes)
        var hex = ""
        for index in 0..<20 {
            hex += String(digest[index] >> 4, radix: 16) + String(digest[index] & 15, radix: 16)
        }
        #expect(hex == expected)
    }
}
