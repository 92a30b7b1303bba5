import Loop
import Synchronization

/// The namespaces of a server: those the app has made, and children of patterns that come and go.
///
/// From any thread. Holds are taken and the end is decided under one lock, so that nobody enters a
/// namespace that is about to go.
final class NamespaceRegistry: Sendable {
    /// What a client's CONNECT finds.
    enum Entrance {
        /// The namespace, held if it is a child.
        case entered(Namespace)
        /// Patterns have to be asked, or a namespace is just coming or going: see `find`.
        case undecided
        case unknown
    }

    private struct State {
        var table = NamespaceTable()
        var listeners: [@Sendable (Namespace) -> Void] = []
        var refusals = 0
    }

    private let options: ServerOptions
    private let group: LoopGroup
    private let state = Mutex(State())

    init(options: ServerOptions, group: LoopGroup) {
        self.options = options
        self.group = group
    }

    // MARK: For the app

    /// Calls `listener` with each namespace that is made from now on.
    func addListener(_ listener: @escaping @Sendable (Namespace) -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    /// Adds a parent after those there are.
    func addParent(_ rule: ParentNamespace.Rule) -> ParentNamespace {
        state.withLock { $0.table.addParent(rule) }
    }

    var all: [Namespace] { state.withLock { $0.table.namespaces } }

    /// The namespace `name`, if there is one.
    func existing(_ name: String) -> Namespace? {
        state.withLock { $0.table[NamespaceName(text: name)] }
    }

    /// The namespace `name`, made if need be: as child of the first pattern that matches.
    ///
    /// - Throws: What the adapter's factory throws.
    func namespace(_ name: String, _ core: ServerCore) throws -> Namespace {
        let key = NamespaceName(text: name)
        if let existing = state.withLock({ $0.table.want(key) }) { return existing }
        let parents = state.withLock { $0.table.parents }
        // Outside of the lock: a pattern is the app's.
        let parent = parents.first { $0.isPattern(matching: name) }
        switch try create(key, parent, core, isHeld: false) {
        case .made(let namespace, let event):
            announce(namespace, to: parent)
            open(key, event)
            startTimer(key)
            return namespace
        case .exists(let namespace):
            return namespace
        case .refused:
            preconditionFailure("the limits are for clients")
        }
    }

    // MARK: For clients

    /// Enters the namespace `name` if that can be done at once.
    func enter(_ name: String) -> Entrance {
        switch step(NamespaceName(text: name)) {
        case .entered(let namespace): .entered(namespace)
        case .wait, .ask: .undecided
        case .unknown: .unknown
        }
    }

    /// Enters the namespace `name`, made if a parent has it for its child; nil if there is none.
    ///
    /// The first client to come waits until the adapter hears the cluster.
    func find(_ name: String, _ auth: Auth, _ core: ServerCore) async -> Namespace? {
        let key = NamespaceName(text: name)
        while true {
            switch step(key) {
            case .entered(let namespace):
                return namespace
            case .wait(let event):
                await event.wait()
            case .unknown:
                return nil
            case .ask(let parents):
                guard let parent = await firstParent(parents, name, auth) else { return nil }
                switch Result(catching: { try create(key, parent, core, isHeld: true) }) {
                case .success(.made(let namespace, let event)):
                    announce(namespace, to: parent)
                    await namespace.adapter.ready()
                    open(key, event)
                    return namespace
                case .success(.exists):
                    // Another client was faster.
                    continue
                case .success(.refused):
                    return nil
                case .failure(let error):
                    options.log(.error, "the adapter of \(name) cannot be made: \(error)")
                    return nil
                }
            }
        }
    }

    private func step(_ key: NamespaceName) -> NamespaceTable.Step {
        state.withLock { $0.table.enter(key, maxNameBytes: options.maxDynamicNameBytes) }
    }

    /// The first parent that has `name` for its child, in the order of registration.
    private func firstParent(
        _ parents: [ParentNamespace],
        _ name: String,
        _ auth: Auth
    ) async -> ParentNamespace? {
        for parent in parents {
            switch parent.rule {
            case .pattern(let matches):
                if matches(name) { return parent }
            case .function(let allows):
                do {
                    if try await allows(name, auth) { return parent }
                } catch {
                    // As in Node, an error says no.
                    options.log(.debug, "the function of namespaces, asked for \(name): \(error)")
                }
            }
        }
        return nil
    }

    /// Ends one hold of a child; `wasUsed` if a socket was in it.
    func release(_ namespace: Namespace, wasUsed: Bool) {
        guard namespace.isChild else { return }
        let key = NamespaceName(text: namespace.name)
        let isEmpty = state.withLock {
            $0.table.release(namespace, at: key, wasUsed: wasUsed, now: .now)
        }
        if isEmpty { startTimer(key) }
    }

    // MARK: Coming

    private enum Creation {
        case made(Namespace, OneShotEvent)
        case exists(Namespace)
        case refused
    }

    /// Makes a namespace: `isHeld` for a client, whom limits bind, else for the app.
    private func create(
        _ key: NamespaceName,
        _ parent: ParentNamespace?,
        _ core: ServerCore,
        isHeld: Bool
    ) throws -> Creation {
        try state.withLock { state in
            if let existing = isHeld ? state.table[key] : state.table.want(key) {
                return .exists(existing)
            }
            if isHeld {
                guard !state.table.isOver else { return .refused }
                guard state.table.childCount < options.maxDynamicNamespaces else {
                    state.refusals += 1
                    logRefusal(state.refusals)
                    return .refused
                }
            }
            let namespace = try Namespace(
                name: key.text,
                core: core,
                setup: parent?.setup ?? NamespaceSetup(),
                isChild: parent != nil
            )
            return .made(
                namespace,
                state.table.add(namespace, at: key, to: parent, isHeld: isHeld, now: .now)
            )
        }
    }

    /// The 1st, 2nd, 4th, 8th …, so that hostile clients do not fill the log.
    private func logRefusal(_ count: Int) {
        guard count & (count - 1) == 0 else { return }
        options.log(
            .warning,
            "more than \(options.maxDynamicNamespaces) dynamic namespaces: refusal \(count)"
        )
    }

    /// Tells parent and app of a new namespace.
    private func announce(_ namespace: Namespace, to parent: ParentNamespace?) {
        parent?.adopt(namespace)
        guard namespace.name != "/" else { return }
        for listener in state.withLock({ $0.listeners }) { listener(namespace) }
        namespace.settle()
    }

    private func open(_ key: NamespaceName, _ event: OneShotEvent) {
        state.withLock { $0.table.open(key) }
        event.signal()
    }

    // MARK: Going

    /// How long an empty child stays; not less than its clients may be away.
    private var childTimeout: Duration? {
        guard let recovery = options.connectionStateRecovery else {
            return options.emptyNamespaceTimeout
        }
        return options.emptyNamespaceTimeout.map { max($0, recovery.maxDisconnectionDuration) }
    }

    /// Looks at a child when its time is over.
    private func startTimer(_ key: NamespaceName) {
        let timeout = childTimeout
        guard
            let delay = state.withLock({
                $0.table.startTimer(key, timeout: timeout, now: .now)
            })
        else { return }
        LoopTimer(on: group.current ?? group.loops[0]).start(after: delay) { [weak self] in
            self?.timerFired(key)
        }
    }

    private func timerFired(_ key: NamespaceName) {
        let timeout = childTimeout
        guard
            let (namespace, event) = state.withLock({
                $0.table.timerFired(key, timeout: timeout, now: .now)
            })
        else {
            // It was entered and left meanwhile.
            startTimer(key)
            return
        }
        guard let loop = group.current else { preconditionFailure("a timer is off its loop") }
        loop.startTask {
            await namespace.adapter.close()
            self.closed(key, namespace)
            event.signal()
        }
    }

    /// The adapter has closed: the namespace goes, unless the app wants it again.
    private func closed(_ key: NamespaceName, _ namespace: Namespace) {
        let parent: ParentNamespace? = state.withLock { state in
            guard !state.table.isOver else { return nil }
            guard state.table.isWantedAgain(key) else { return state.table.remove(key) }
            do {
                try namespace.makeAdapter()
                state.table.reopen(key, now: .now)
                return nil
            } catch {
                options.log(.error, "the adapter of \(key.text) cannot be made again: \(error)")
                return state.table.remove(key)
            }
        }
        if let parent {
            namespace.markGone()
            parent.forget(namespace)
            namespace.forgetHandlers()
        } else {
            startTimer(key)
        }
    }

    // MARK: The server's end

    /// Closes every adapter; nobody comes or goes any more.
    func close() async {
        let endings = state.withLock { state in
            state.table.isOver = true
            return state.table.endings
        }
        for ending in endings {
            await ending.wait?.wait()
            await ending.close?.adapter.close()
        }
        forgetAll()
    }

    /// Lets go of the namespaces, which hold the server's core in turn, and of the app's closures.
    func forgetAll() {
        let former = state.withLock { state in
            let former = state.table
            state = State()
            state.table.isOver = true
            return former
        }
        for namespace in former.namespaces { namespace.forgetHandlers() }
        for parent in former.parents { parent.forgetAll() }
    }
}
