package import Loop

/// Makes the adapter of each namespace.
public struct AdapterFactory: Sendable {
    /// Called once per namespace.
    package let make: @Sendable (any AdapterHost, AdapterContext) throws -> any Adapter

    /// A factory from a closure that is called once per namespace.
    public init(_ make: @escaping @Sendable (any AdapterHost) throws -> any Adapter) {
        self.make = { host, _ in try make(host) }
    }

    /// A factory of adapters whose connections live on the server's loops.
    package init(
        inContext make:
            @escaping @Sendable (any AdapterHost, AdapterContext) throws -> any Adapter
    ) {
        self.make = make
    }

    /// One server alone; packets and sessions are kept if clients are to recover.
    public static let inMemory = AdapterFactory(
        inContext: { host, context in
            let recovery = context.recovery.map {
                InMemoryRecovery($0, context.budget, loop: context.loops.loops[0])
            }
            return InMemoryAdapter(host: host, recovery: recovery)
        }
    )
}

/// What a server lends to its adapters.
package struct AdapterContext: Sendable {
    /// The server's loops; they run until every adapter has closed.
    package let loops: LoopGroup
    /// The server's log.
    package let log: @Sendable (LogLevel, String) -> Void
    /// What is to be kept for clients that come back; nil for nothing.
    package let recovery: RecoveryOptions?
    /// What all namespaces of the server keep together.
    let budget: RecoveryBudget
}
