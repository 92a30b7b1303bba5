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

// Lower layers first; a target imports only what stands above it here.
let package = Package(
    name: "socket-io-swift",
    products: [
        .library(name: "SocketIO", targets: ["SocketIO"]),
        .library(name: "SocketIORedis", targets: ["SocketIORedis"]),
        .executable(name: "ChatServer", targets: ["ChatServer"]),
        .executable(name: "Bench", targets: ["Bench"]),
    ],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CHiredis"),
        .target(name: "Bytes", swiftSettings: coreSettings + lifetimes),
        .target(name: "HTTP1", dependencies: ["Bytes"], swiftSettings: coreSettings),
        .target(name: "WebSocket", dependencies: ["Bytes", "CZlib"], swiftSettings: coreSettings),
        .target(name: "EngineIOProtocol", dependencies: ["Bytes"], swiftSettings: coreSettings),
        .target(name: "MessagePack", dependencies: ["Bytes"], swiftSettings: coreSettings),
        .target(
            name: "SocketIOProtocol",
            dependencies: ["Bytes", "MessagePack"],
            swiftSettings: coreSettings
        ),
        .target(name: "Loop", dependencies: ["Bytes", "CLinux"], swiftSettings: settings),
        .target(name: "Redis", dependencies: ["Bytes", "Loop", "CHiredis"], swiftSettings: settings),
        .target(
            name: "EngineIO",
            dependencies: ["Bytes", "HTTP1", "WebSocket", "EngineIOProtocol", "Loop"],
            swiftSettings: settings
        ),
        .target(
            name: "SocketIO",
            dependencies: [
                "Bytes", "HTTP1", "WebSocket", "EngineIOProtocol", "SocketIOProtocol", "Loop",
                "EngineIO",
            ],
            swiftSettings: settings
        ),
        .target(
            name: "SocketIORedis",
            dependencies: ["Bytes", "MessagePack", "Loop", "Redis", "SocketIO"],
            swiftSettings: settings
        ),
        .target(name: "Chat", dependencies: ["SocketIO"], swiftSettings: settings),
        .executableTarget(
            name: "ChatServer",
            dependencies: ["Chat", "SocketIO", "SocketIORedis"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Bytes", "HTTP1", "WebSocket", "EngineIOProtocol", "SocketIOProtocol",
                "MessagePack", "Loop", "Redis", "SocketIORedis",
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "BenchTests", dependencies: ["Bench"], swiftSettings: settings),
        .executableTarget(
            name: "ConformanceServer",
            dependencies: ["SocketIO", "SocketIORedis"],
            path: "Tests/ConformanceServer",
            swiftSettings: settings
        ),
        .target(name: "Support", path: "Tests/Support", swiftSettings: settings),
        .testTarget(
            name: "ChatTests",
            dependencies: ["Support", "Chat", "SocketIO"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "BytesTests",
            dependencies: ["Support", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTP1Tests",
            dependencies: ["Support", "HTTP1", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LoopTests",
            dependencies: ["Support", "Loop", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RedisTests",
            dependencies: ["Support", "Redis", "Loop", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "WebSocketTests",
            dependencies: ["Support", "WebSocket", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EngineIOProtocolTests",
            dependencies: ["Support", "EngineIOProtocol", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EngineIOTests",
            dependencies: [
                "Support", "EngineIO", "EngineIOProtocol", "HTTP1", "WebSocket", "Loop", "Bytes",
                "CZlib",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SocketIOProtocolTests",
            dependencies: ["Support", "SocketIOProtocol", "MessagePack", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "MessagePackTests",
            dependencies: ["Support", "MessagePack", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SocketIORedisTests",
            dependencies: ["SocketIORedis", "SocketIO", "MessagePack", "Bytes"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SocketIOTests",
            dependencies: ["SocketIO", "EngineIO", "Loop", "Chat"],
            swiftSettings: settings
        ),
    ]
)
