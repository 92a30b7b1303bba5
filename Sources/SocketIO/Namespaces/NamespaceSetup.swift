/// What the app has registered with a namespace; a child begins with its parent's.
struct NamespaceSetup: Sendable {
    enum ConnectionHandler: Sendable {
        case sync(@Sendable (Socket) throws -> Void)
        case async(@Sendable (Socket) async throws -> Void)
    }

    var middlewares: [Namespace.Middleware] = []
    var connectionHandlers: [ConnectionHandler] = []
    var serverHandlers: [ServerSideHandler] = []
    /// Whether something was registered with this very namespace after its making.
    var isOwn = false
}

/// The name of a namespace as a key, equal to another only byte by byte, as JavaScript compares.
struct NamespaceName: Hashable {
    let text: String

    static func == (left: NamespaceName, right: NamespaceName) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }
}
