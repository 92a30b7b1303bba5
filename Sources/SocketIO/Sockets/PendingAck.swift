import Loop

/// An acknowledgement that the server waits for.
final class PendingAck: TimerTarget {
    private let id: UInt64
    private weak var socket: SocketState?
    private var timer = TimerToken.none
    private var completion: ((Result<Arguments, any Error>) -> Void)?

    init(
        id: UInt64,
        socket: SocketState,
        _ completion: @escaping (Result<Arguments, any Error>) -> Void
    ) {
        self.id = id
        self.socket = socket
        self.completion = completion
    }

    func start(_ timeout: Duration, on loop: EventLoop) {
        timer = loop.schedule(self, after: timeout)
    }

    func succeed(_ arguments: Arguments, on loop: EventLoop) {
        loop.cancel(&timer)
        complete(.success(arguments))
    }

    func fail(_ error: any Error, on loop: EventLoop) {
        loop.cancel(&timer)
        complete(.failure(error))
    }

    func timerFired(_ tag: UInt8) {
        timer = .none
        socket?.forgetAck(id)
        complete(.failure(AckFailure.timedOut))
    }

    private func complete(_ result: Result<Arguments, any Error>) {
        let completion = completion
        self.completion = nil
        completion?(result)
    }
}
