import SocketIO
import Testing

@testable import SocketIORedis

@Suite("Answers of other servers", .timeLimit(.minutes(5)))
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

    @Test("answers may come before it is known how many there will be")
    func expectedLater() async throws {
        let collector = ResponseCollector<Int>(answered: 1, responses: [1])
        collector.add([2])
        async let value = collector.value()
        collector.expect(2)
        #expect(try await value == [1, 2])

        let alone = ResponseCollector<Int>()
        alone.expect(0)
        #expect(try await alone.value().isEmpty)
    }

    @Test("a server's answer counts once, where the wire tells whose it is")
    func doubled() async throws {
        let collector = ResponseCollector<Int>(expected: 2)
        collector.add([1], from: "b")
        collector.add([1], from: "b")
        collector.expire()
        let error = await #expect(throws: ClusterTimeout<Int>.self) { try await collector.value() }
        #expect(error?.responses == [1] && error?.answered == 1 && error?.expected == 2)
    }

    @Test("an error before the count keeps nobody waiting")
    func uncounted() async {
        let collector = ResponseCollector<Int>(answered: 1, responses: [1])
        collector.fail(ClusterUnavailable("gone"))
        await #expect(throws: ClusterUnavailable.self) { try await collector.value() }
        let late = ResponseCollector<Int>(answered: 1, responses: [1])
        late.expire()
        let error = await #expect(throws: ClusterTimeout<Int>.self) { try await late.value() }
        #expect(error?.expected == 2)
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
