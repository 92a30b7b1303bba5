import CLinux
import Glibc

extension EventLoop {
    /// Connects without blocking, trying each address of the host in turn.
    ///
    /// On the loop.
    /// - Parameters:
    ///   - endpoint: Where to.
    ///   - timeout: For all of it, names included; each address gets its share of what is left.
    ///   - completion: Called once on the loop, never before this returns, unless cancelled: with
    ///     a connection to be started, or why there is none.
    /// - Returns: What cancels it.
    @discardableResult
    package func connect(
        to endpoint: Endpoint,
        timeout: Duration,
        _ completion: @escaping (Result<Connection, ConnectError>) -> Void
    ) -> Connector {
        let connector = Connector(self, endpoint, timeout, completion)
        LoopBound(connector, loop: self).post { $0.start() }
        return connector
    }
}

/// One attempt to connect, on its loop.
package final class Connector: ReadyTarget, TimerTarget, LoopEndTarget {
    private enum Phase {
        case resolving
        /// The kernel is connecting to the first of the addresses left.
        case connecting
        /// The first of the addresses left is a path whose listener's backlog is full.
        case waiting
        case done
    }

    /// After how long a listener with a full backlog is asked again; the kernel does not tell when.
    private static let retryTime = Duration.milliseconds(20)

    private let loop: EventLoop
    private let endpoint: Endpoint
    private let timeout: Duration
    private var completion: ((Result<Connection, ConnectError>) -> Void)?
    private var phase = Phase.resolving
    private var deadline: UInt64 = 0
    private var addresses: ArraySlice<SocketAddress> = []
    private var lastError: ConnectError?
    private var descriptor: Descriptor?
    private var registration: Registration?
    private var timer = TimerToken.none

    fileprivate init(
        _ loop: EventLoop,
        _ endpoint: Endpoint,
        _ timeout: Duration,
        _ completion: @escaping (Result<Connection, ConnectError>) -> Void
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.timeout = timeout
        self.completion = completion
    }

    /// Gives up; the completion is not called any more.
    ///
    /// On the loop.
    package func cancel() {
        completion = nil
        release()
    }

    fileprivate func start() {
        guard case .resolving = phase else { return }
        guard !loop.hasEnded else {
            finish(.failure(.loopEnded))
            return
        }
        loop.tellEnd(to: self)
        deadline = monotonicNanoseconds() + timeout.clampedNanoseconds
        switch endpoint {
        case .unix(let path):
            do throws(SystemCallError) {
                tryAddresses([try SocketAddress(path: path)])
            } catch {
                finish(.failure(.failed(error)))
            }
        case .tcp(let host, let port):
            timer = loop.schedule(self, after: timeout)
            let bound = LoopBound(self, loop: loop)
            Resolver.resolve(host: host, port: port) { result in
                bound.run { $0.resolved(result) }
            }
        }
    }

    private func resolved(_ result: Result<[SocketAddress], ConnectError>) {
        guard case .resolving = phase else { return }
        loop.cancel(&timer)
        switch result {
        case .success(let addresses): tryAddresses(addresses)
        case .failure(let error): finish(.failure(error))
        }
    }

    private func tryAddresses(_ addresses: [SocketAddress]) {
        self.addresses = addresses[...]
        tryNext()
    }

    /// Tries the addresses left until one takes its time or all have failed.
    private func tryNext() {
        while let address = addresses.first {
            let now = monotonicNanoseconds()
            guard now < deadline else { break }
            do throws(SystemCallError) {
                if try begin(address) {
                    succeed()
                    return
                }
                let share = (deadline - now) / UInt64(addresses.count)
                let pause = phase == .waiting ? Self.retryTime : .nanoseconds(Int64(share))
                timer = loop.schedule(self, after: pause)
                return
            } catch {
                lastError = .failed(error)
                dropAttempt()
            }
        }
        let error = addresses.isEmpty ? lastError : nil
        finish(.failure(error ?? .timedOut(after: timeout)))
    }

    /// Begins to connect to `address`; true if that is done already.
    private func begin(_ address: SocketAddress) throws(SystemCallError) -> Bool {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = try SystemCall.run("socket") { socket(address.family, kind, 0) }
        descriptor = Descriptor(adopting: number)
        let code = address.withPointer { pointer, length in
            Glibc.connect(number, pointer, length) == 0 ? 0 : clinux_errno()
        }
        switch code {
        case 0:
            return true
        case EINPROGRESS, EINTR:
            registration = try loop.selector.register(number, .writable, self)
            phase = .connecting
        case EAGAIN:
            descriptor = nil
            phase = .waiting
        default:
            throw SystemCallError(call: "connect to \(endpoint)", errno: code)
        }
        return false
    }

    func ready(_ events: ReadyEvents) {
        guard case .connecting = phase, let number = descriptor?.number else { return }
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
        if code == 0, isConnectedToItself(number) { code = ECONNREFUSED }
        guard code == 0 else {
            lastError = .failed(SystemCallError(call: "connect to \(endpoint)", errno: code))
            dropAttempt()
            tryNext()
            return
        }
        succeed()
    }

    /// The time of an attempt is up, or that before the next look at a full backlog.
    package func timerFired(_ tag: UInt8) {
        timer = .none
        switch phase {
        case .resolving:
            finish(.failure(.timedOut(after: timeout)))
        case .connecting:
            lastError = .timedOut(after: timeout)
            dropAttempt()
            tryNext()
        case .waiting:
            tryNext()
        case .done:
            break
        }
    }

    package func loopEnded() {
        finish(.failure(.loopEnded))
    }

    /// Whether a client's port happened to be the one it asked for, with nobody listening there.
    ///
    /// TCP then connects the socket to itself (simultaneous open, RFC 9293 §3.5).
    private func isConnectedToItself(_ number: CInt) -> Bool {
        var (own, peer) = (sockaddr_storage(), sockaddr_storage())
        func read(
            _ call: (CInt, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?)
                -> CInt,
            _ address: inout sockaddr_storage
        ) -> Bool {
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(number, $0, &length) }
            } == 0
        }
        guard read(getsockname, &own), read(getpeername, &peer), own.ss_family != AF_UNIX else {
            return false
        }
        return withUnsafeBytes(of: own) { own in
            withUnsafeBytes(of: peer) { own.elementsEqual($0) }
        }
    }

    /// Leaves the first address and goes on to the next.
    private func dropAttempt() {
        loop.cancel(&timer)
        if let registration { loop.selector.deregister(registration) }
        registration = nil
        descriptor = nil
        addresses = addresses.dropFirst()
    }

    private func succeed() {
        if let registration { loop.selector.deregister(registration) }
        registration = nil
        guard let descriptor = descriptor.take() else { return }
        if case .tcp = endpoint {
            descriptor.disableNagle()
            descriptor.keepAlive()
        }
        let connection = Connection(
            descriptor,
            peer: PeerAddress(sockaddr_storage()),
            loop: loop,
            role: .outgoing
        )
        finish(.success(connection))
    }

    private func finish(_ result: Result<Connection, ConnectError>) {
        let completion = completion
        self.completion = nil
        release()
        completion?(result)
    }

    private func release() {
        phase = .done
        addresses = []
        dropAttempt()
        loop.forget(self)
    }
}

extension Descriptor {
    /// Has the kernel probe an idle TCP connection: after 15 s, each 5 s, three times.
    fileprivate borrowing func keepAlive() {
        func set(_ level: CInt, _ option: CInt, _ value: CInt) {
            var value = value
            // Fails only if the peer has gone already, which the next read reports.
            _ = setsockopt(number, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
        }
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(CInt(IPPROTO_TCP), TCP_KEEPIDLE, 15)
        set(CInt(IPPROTO_TCP), TCP_KEEPINTVL, 5)
        set(CInt(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }
}
