import Bytes
import Loop
import Synchronization

/// The part of a cluster's client that lives on its loop: its nodes, which slots they serve, and
/// where subscriptions are.
final class ClusterCore: TimerTarget, LoopEndTarget {
    struct Node {
        /// Tells it from one that was at the same address before.
        let number: Int
        let client: RedisClient
        var state = RedisState.connecting
        /// Connections that have been counted.
        var connections = 0
        var subscriber: RedisSubscriber?
        var subscriberConnections = 0
        var subscriberState = RedisState.connecting
    }

    /// How often a subscription is sent on until the cluster is looked at anew.
    static let longestChase = 5
    private static let slots = RedisCommand("CLUSTER", "SLOTS").encoded()
    private static let refreshTag: UInt8 = 0
    private static let answerTag: UInt8 = 1

    private let seeds: [Endpoint]
    private let options: RedisOptions
    let loop: EventLoop
    let board: StatusBoard
    private let routing: ClusterRouting
    var nodes: [Endpoint: Node] = [:]
    private var lastNodeNumber = 0
    var map: SlotMap?
    var subscriptions = ClusterSubscriptions()
    private var lastFault: RedisFault?
    private var hasConnected = false
    /// Whether messages to the nodes that were lost, or are new since, wait.
    private var holdsMessages = false
    private var isStarted = false
    var isClosed = false
    /// The number of the look at the cluster that is under way or was the last.
    private var look = 0
    private var isLooking = false
    private var backoff: Backoff
    private var refreshTimer = TimerToken.none
    private var answerTimer = TimerToken.none

    init(
        _ seeds: [Endpoint],
        _ options: RedisOptions,
        loop: EventLoop,
        board: StatusBoard,
        routing: ClusterRouting
    ) {
        self.seeds = seeds
        self.options = options
        self.loop = loop
        self.board = board
        self.routing = routing
        backoff = Backoff(from: options.minBackoff, to: options.maxBackoff)
        if let client = client(at: seeds[0]) {
            routing.setFallback(ClusterRouting.Route(endpoint: seeds[0], client: client))
        }
    }

    func start() {
        guard !isStarted, !isClosed else { return }
        guard !loop.hasEnded else {
            close()
            return
        }
        isStarted = true
        loop.tellEnd(to: self)
        for node in nodes.values { node.client.start() }
        refresh()
    }

    /// Closes for good; `completion` is called when what was under way has ended.
    func close(_ completion: @escaping @Sendable () -> Void = {}) {
        guard !isClosed else {
            completion()
            return
        }
        isClosed = true
        routing.close()
        loop.cancel(&refreshTimer)
        loop.cancel(&answerTimer)
        loop.forget(self)
        var left: [Endpoint: Node] = [:]
        swap(&left, &nodes)
        let waiters = subscriptions.removeAll()
        board.show(.closed)
        for waiter in waiters { waiter() }
        // Each client lives until its part is over.
        let countdown = Countdown(left.count, completion)
        for node in left.values { node.client.retire { countdown.step() } }
    }

    func loopEnded() {
        close()
    }

    // MARK: Nodes

    /// The client that talks to `endpoint`, made if need be; nil once closed.
    func client(at endpoint: Endpoint) -> RedisClient? {
        if let node = nodes[endpoint] { return node.client }
        guard !isClosed else { return nil }
        lastNodeNumber += 1
        let (bound, number) = (LoopBound(self, loop: loop), lastNodeNumber)
        let client = RedisClient(options: options(for: endpoint), loop: loop) { state in
            bound.value.change(endpoint, number) { $0.state = state }
        }
        nodes[endpoint] = Node(number: number, client: client)
        if holdsMessages { client.holdMessages() }
        if isStarted { client.start() }
        return client
    }

    private func change(_ endpoint: Endpoint, _ number: Int, _ body: (inout Node) -> Void) {
        guard nodes[endpoint]?.number == number, var node = nodes[endpoint] else { return }
        body(&node)
        count(node.client.status.connections, &node.connections)
        if let subscriber = node.subscriber {
            count(subscriber.status.connections, &node.subscriberConnections)
        }
        nodes[endpoint] = node
        if options.holdsMessagesAfterLoss, !isClosed, case .reconnecting = node.state {
            holdsMessages = true
        }
        evaluate()
    }

    /// Counts the very first connection of all, and each that was made again.
    private func count(_ connections: Int, _ counted: inout Int) {
        while counted < connections {
            if counted > 0 || !hasConnected { board.countConnection() }
            hasConnected = true
            counted += 1
        }
    }

    /// Sends the messages that wait, and those to come.
    func releaseMessages() {
        holdsMessages = false
        for node in nodes.values { node.client.releaseMessages() }
    }

    func subscriber(at endpoint: Endpoint) -> RedisSubscriber? {
        guard client(at: endpoint) != nil, let node = nodes[endpoint] else { return nil }
        if let subscriber = node.subscriber { return subscriber }
        let (bound, number) = (LoopBound(self, loop: loop), node.number)
        let subscriber = RedisSubscriber(
            options: options(for: endpoint),
            loop: loop,
            onMoved: { kind, name, line in
                let key = SubscriptionKey(kind: kind, name: name)
                bound.value.subscriptionMoved(key, endpoint, line)
            },
            onChange: { state in
                bound.value.change(endpoint, number) { $0.subscriberState = state }
            }
        )
        nodes[endpoint]?.subscriber = subscriber
        subscriber.start()
        return subscriber
    }

    private func options(for endpoint: Endpoint) -> RedisOptions {
        var options = options
        options.address = options.address.at(endpoint)
        return options
    }

    // MARK: Slots

    /// A node has said that `slot` belongs to another one.
    func slotMoved(_ slot: KeySlot, to endpoint: Endpoint) {
        var changed = map ?? SlotMap()
        guard !isClosed, changed.master(of: slot) != endpoint else { return }
        changed.assign(slot, to: endpoint)
        guard take(changed, isWhole: false) else { return }
        for key in subscriptions.keys(in: slot) { place(key) }
        refreshLater()
    }

    /// Takes over which slots belong to whom, and makes clients for new masters; false once closed.
    ///
    /// Subscriptions are the caller's to move.
    private func take(_ new: SlotMap, isWhole: Bool) -> Bool {
        map = new
        var routes: [ClusterRouting.Route] = []
        for endpoint in new.masters {
            guard let client = client(at: endpoint) else { return false }
            routes.append(ClusterRouting.Route(endpoint: endpoint, client: client))
        }
        routing.update(new, routes, isWhole: isWhole)
        return true
    }

    // MARK: Looking at the cluster

    func refreshLater() {
        guard !isClosed, !isLooking, refreshTimer == .none else { return }
        var random = SystemRandomNumberGenerator()
        refreshTimer = loop.schedule(
            self,
            tag: Self.refreshTag,
            after: backoff.next(using: &random)
        )
    }

    func timerFired(_ tag: UInt8) {
        if tag == Self.refreshTag {
            refreshTimer = .none
            refresh()
        } else {
            answerTimer = .none
            failedToLook(.silent(for: options.connectTimeout))
        }
    }

    /// Asks a node which slots belong to whom; another one each time.
    private func refresh() {
        look += 1
        isLooking = true
        let (endpoint, number) = (candidate(), look)
        guard let client = client(at: endpoint) else { return }
        if map == nil {
            routing.setFallback(ClusterRouting.Route(endpoint: endpoint, client: client))
        }
        answerTimer = loop.schedule(self, tag: Self.answerTag, after: options.connectTimeout)
        let bound = LoopBound(self, loop: loop)
        client.send(encoded: Self.slots) { result in
            bound.value.looked(result, at: endpoint, number)
        }
    }

    /// A master with a connection if there is one, else any node that was ever named.
    private func candidate() -> Endpoint {
        let masters = map?.masters ?? []
        let ready = masters.filter { nodes[$0]?.state == .ready }
        let choice = ready.isEmpty ? masters + seeds : ready
        return choice[(look - 1) % choice.count]
    }

    private func looked(
        _ result: Result<RedisReply, RedisError>,
        at endpoint: Endpoint,
        _ number: Int
    ) {
        guard !isClosed, isLooking, number == look else { return }
        loop.cancel(&answerTimer)
        switch result {
        case .success(let reply):
            guard let new = SlotMap(reply, from: endpoint), !new.masters.isEmpty else {
                failedToLook(.unexpected(reply, to: "CLUSTER SLOTS"))
                return
            }
            isLooking = false
            lastFault = nil
            subscriptions.forgiveChases()
            guard take(new, isWhole: true) else { return }
            placeSubscriptions()
            dropStrangers(new)
            evaluate()
        case .failure(.replied(let line)):
            failedToLook(.refused(command: "CLUSTER SLOTS", line: line))
        case .failure(.connectionLost(let fault)):
            failedToLook(fault)
        case .failure:
            failedToLook(.silent(for: options.maxQueuedTime))
        }
    }

    private func failedToLook(_ fault: RedisFault) {
        isLooking = false
        lastFault = fault
        evaluate()
    }

    /// Lets go of nodes that serve no slot.
    private func dropStrangers(_ map: SlotMap) {
        let masters = Set(map.masters)
        let strangers = nodes.filter { !masters.contains($0.key) }
        guard !strangers.isEmpty else { return }
        for (endpoint, node) in strangers {
            nodes[endpoint] = nil
            node.client.retire()
        }
        // Those of ordinary channels were where they happened to be.
        placeSubscriptions()
    }

    /// Shows how all of it stands, and looks again soon unless all is well.
    func evaluate() {
        guard isStarted, !isClosed else { return }
        guard let fault = fault() else {
            if isComplete {
                backoff.reset()
                board.show(.ready)
            }
            return
        }
        board.show(.reconnecting(fault))
        refreshLater()
    }

    /// Whether every slot is served, every connection there, every subscription confirmed.
    private var isComplete: Bool {
        guard let map, map.isComplete, !isLooking else { return false }
        return subscriptions.isSettled
            && map.masters.allSatisfy { nodes[$0]?.state == .ready }
            && nodes.values.allSatisfy { $0.subscriber == nil || $0.subscriberState == .ready }
    }

    private func fault() -> RedisFault? {
        if let map {
            for master in map.masters {
                guard let node = nodes[master] else { continue }
                if case .reconnecting(let fault) = node.state { return fault }
                guard node.subscriber != nil else { continue }
                if case .reconnecting(let fault) = node.subscriberState { return fault }
            }
            if !map.isComplete {
                return .unusable(line: "CLUSTERDOWN \(map.missing) slots have no master")
            }
        } else if case .reconnecting(let fault) = nodes.values.first?.state {
            return fault
        }
        return lastFault
    }
}

/// Calls its completion at the last of so many steps.
private final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let completion: @Sendable () -> Void

    init(_ count: Int, _ completion: @escaping @Sendable () -> Void) {
        left = Atomic(count)
        self.completion = completion
        if count == 0 { completion() }
    }

    func step() {
        if left.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { completion() }
    }
}
