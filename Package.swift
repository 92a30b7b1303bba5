// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
/// Core targets do no IO; whatever they do with memory is checked or marked `unsafe`.
let coreSettings = settings + [.strictMemorySafety()]
let lifetimes: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

// Lower layers first; a target imports only what stands above it here (see README, Layers).
let package = Package(
    name: "socket-io-swift",
    products: [],
    targets: [
        .systemLibrary(name: "CLinux"),
        .target(name: "Bytes", swiftSettings: coreSettings + lifetimes),
        .target(name: "HTTP1", dependencies: ["Bytes"], swiftSettings: coreSettings),
        .target(name: "Loop", dependencies: ["Bytes", "CLinux"], swiftSettings: settings),
        .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: settings),
        .testTarget(name: "HTTP1Tests", dependencies: ["Bytes", "HTTP1"], swiftSettings: settings),
        .testTarget(name: "LoopTests", dependencies: ["Bytes", "Loop"], swiftSettings: settings),
    ]
)
