import Bytes
import Testing

/// The ways in which the same bytes may arrive (style.md B9).
enum ByteSplit: String, CaseIterable, CustomTestStringConvertible {
    case whole
    case oneByOne
    case everyCut
    case everythingTwice

    var testDescription: String { rawValue }

    /// All arrivals of `bytes` of this kind; `everythingTwice` doubles them in one buffer.
    func arrivals(of bytes: SharedBytes) -> [[SharedBytes]] {
        switch self {
        case .whole: [[bytes]]
        case .oneByOne: [(0..<bytes.count).map { bytes[$0..<$0 + 1] }]
        case .everyCut: (0...bytes.count).map { [bytes[0..<$0], bytes[$0..<bytes.count]] }
        case .everythingTwice: [[SharedBytes(bytes.array + bytes.array)]]
        }
    }
}
