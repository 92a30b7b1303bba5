import Loop

/// One command's completion, called once: with its result or when its time is over.
///
/// On its loop. The reply's place among those to come is kept: a late one is dropped.
final class Deadline: TimerTarget {
    private enum State {
        case new
        case waiting(CommandCompletion, Duration)
        /// Before `begin`.
        case settledEarly(Result<RedisReply, RedisError>)
        case settled
    }

    private let loop: EventLoop
    private var state = State.new
    private var timer = TimerToken.none

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// Whether the result is known: the command need not be sent any more.
    var isSettled: Bool {
        switch state {
        case .new, .waiting: false
        case .settledEarly, .settled: true
        }
    }

    /// Calls `completion` with `.expired` after `time`, unless settled before; once.
    func begin(_ time: Duration, _ completion: @escaping CommandCompletion) {
        switch state {
        case .new:
            state = .waiting(completion, time)
            timer = loop.schedule(self, after: time)
        case .settledEarly(let result):
            state = .settled
            completion(result)
        case .waiting, .settled:
            break
        }
    }

    /// This is the result, unless there is one.
    func settle(_ result: Result<RedisReply, RedisError>) {
        switch state {
        case .new:
            state = .settledEarly(result)
        case .waiting(let completion, _):
            state = .settled
            loop.cancel(&timer)
            completion(result)
        case .settledEarly, .settled:
            break
        }
    }

    func timerFired(_ tag: UInt8) {
        timer = .none
        if case .waiting(_, let time) = state { settle(.failure(.expired(after: time))) }
    }
}
