import SocketIO
import Testing

@testable import SocketIORedis

@Suite("Answers of other servers", .timeLimit(.minutes(1)))
struct ResponseCollectorTests {
    @Test("all answers complete it, whether anybody waits yet or not")
    func complete() async throws {
        let early = ResponseCollector<Int>(expected: 3, answered: 1, responses: [1])
        early.add([2, 3])
        early.add([])
        early.add([9])
        early.expire()
        #expect(try await early.value() == [1, 2, 3])

        let late = ResponseCollector<Int>(expected: 1)
        async let value = late.value()
        late.add([7])
        #expect(try await value == [7])
    }

    @Test("the time over, what has come is in the error")
    func timeout() async {
        let collector = ResponseCollector<Int>(expected: 3, answered: 1, responses: [1])
        collector.add([2])
        collector.expire()
        let error = await #expect(throws: ClusterTimeout<Int>.self) { try await collector.value() }
        #expect(error?.responses == [1, 2])
        #expect(error?.description == "timeout reached: only 2 responses received out of 3")
    }

    @Test("a cancelled task stops waiting")
    func cancelled() async {
        let collector = ResponseCollector<Int>(expected: 1)
        let task = Task { try await collector.value() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
