import Synchronization

/// Namespaces that are made on demand (protocol.md §16).
extension Server {
    /// The namespace `name`; it is made if need be, and a missing slash added.
    ///
    /// A name that matches a pattern of `of(matching:)` gives a child of it. An empty child is
    /// closed after `ServerOptions.emptyNamespaceTimeout`, unless the app has registered something
    /// with it before. Kept longer it still reaches whoever is in the namespace of that name; to
    /// register something, ask for it anew.
    ///
    /// Traps if the adapter cannot be made; that has worked for `/` already.
    public func of(_ name: String) -> Namespace {
        let name = name.hasPrefix("/") ? name : "/" + name
        do {
            return try core.namespaces.namespace(name, core)
        } catch {
            preconditionFailure("the adapter of \(name) cannot be made: \(error)")
        }
    }

    /// The parent of all namespaces with a match for `pattern` in their name.
    ///
    /// Names come from clients: anchor the pattern, and mind patterns that take long on hostile
    /// input. Of several parents the first to be registered counts.
    ///
    /// ```swift
    /// let rooms = server.of(matching: /^\/room-[0-9]+$/)
    /// rooms.onConnection { socket in print(socket.namespace.name) }
    /// ```
    public func of<Output>(matching pattern: sending Regex<Output>) -> ParentNamespace {
        let pattern = Pattern(pattern)
        return core.namespaces.addParent(.pattern { pattern.matches($0) })
    }

    /// The parent of all namespaces whose name and the client's auth `isChild` accepts.
    ///
    /// Asked when a client connects to a name that is no namespace yet; an error says no.
    ///
    /// ```swift
    /// let tenants = server.of { name, auth in
    ///     name.hasPrefix("/tenant-") && auth["token"] != nil
    /// }
    /// ```
    public func of(
        matching isChild:
            nonisolated(nonsending) @escaping @Sendable (_ name: String, Auth) async throws -> Bool
    ) -> ParentNamespace {
        core.namespaces.addParent(.function(isChild))
    }

    /// Runs `handler` for each namespace that is made from now on, before anybody is in it.
    ///
    /// On the thread that makes it, a loop for children of patterns, which must not be blocked.
    public func onNewNamespace(_ handler: @escaping @Sendable (Namespace) -> Void) {
        core.namespaces.addListener(handler)
    }
}

/// A regular expression for all threads: what it compiles to is made at the first match.
private final class Pattern<Output>: Sendable {
    private let regex: Mutex<Regex<Output>>

    init(_ regex: sending Regex<Output>) {
        self.regex = Mutex(regex)
    }

    func matches(_ name: String) -> Bool {
        regex.withLock { name.firstMatch(of: $0) != nil }
    }
}
