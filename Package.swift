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

let package = Package(
    name: "socket-io-swift",
    products: [],
    targets: [
        .target(
            name: "Bytes",
            swiftSettings: coreSettings + [.enableExperimentalFeature("Lifetimes")]
        ),
        .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: settings),
        .target(name: "WebSocket", dependencies: ["Bytes"], swiftSettings: coreSettings),
        .testTarget(
            name: "WebSocketTests",
            dependencies: ["WebSocket", "Bytes"],
            swiftSettings: settings
        ),
        .target(name: "EngineIOProtocol", dependencies: ["Bytes"], swiftSettings: coreSettings),
        .testTarget(
            name: "EngineIOProtocolTests",
            dependencies: ["EngineIOProtocol", "Bytes"],
            swiftSettings: settings
        ),
    ]
)
