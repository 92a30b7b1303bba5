/// Holds an async closure of the server until the test lets it go on.
final class Gate: Sendable {
    private let entries: AsyncStream<Void>
    private let entered: AsyncStream<Void>.Continuation
    private let exits: AsyncStream<Void>
    private let exit: AsyncStream<Void>.Continuation

    init() {
        (entries, entered) = AsyncStream.makeStream()
        (exits, exit) = AsyncStream.makeStream()
    }

    /// In the server: says that it is here and waits for `open`.
    func pass() async {
        entered.yield()
        var iterator = exits.makeAsyncIterator()
        await iterator.next()
    }

    /// In the test: waits until somebody stands at the gate.
    func arrival() async {
        var iterator = entries.makeAsyncIterator()
        await iterator.next()
    }

    /// Lets everybody pass, from now on.
    func open() { exit.finish() }
}
