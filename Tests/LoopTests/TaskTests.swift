import Glibc
import Synchronization
import Testing

@testable import Loop

/// Waits for a continuation that another thread resumes.
private func resumedElsewhere() async {
    await withCheckedContinuation { continuation in
        onNewThread { continuation.resume() }
    }
}

/// Says where it runs before and after what it awaits.
private func nested(_ loop: EventLoop, depth: Int) async -> [Bool] {
    var places = [loop.isOnLoop]
    if depth > 0 { places += await nested(loop, depth: depth - 1) }
    await resumedElsewhere()
    places.append(loop.isOnLoop)
    await Task.yield()
    places.append(loop.isOnLoop)
    return places
}

@concurrent
private func concurrentFunction(_ loop: EventLoop) async -> Bool { loop.isOnLoop }

/// An actor with the default executor.
private actor Bystander {
    func isOnLoop(_ loop: EventLoop) -> Bool { loop.isOnLoop }
}

@Suite("Event loop: tasks (style.md B3)")
struct TaskTests {
    @Test("a task's first part runs at once")
    func immediate() throws {
        let test = try TestLoop()
        let ran = Inbox<String>()
        let loop = test.loop
        loop.post {
            loop.startTask { ran.put("task") }
            ran.put("after")
        }
        #expect(try ran.next(2) == ["task", "after"])
    }

    @Test("a task is on the loop before and after each await")
    func staysOnLoop() throws {
        let test = try TestLoop()
        let places = Inbox<[Bool]>()
        let loop = test.loop
        loop.post { loop.startTask { places.put(await nested(loop, depth: 5)) } }
        let all = try places.next()
        #expect(all.count == 18)
        #expect(all.allSatisfy { $0 })
    }

    @Test("what a task awaits by accident stays on the loop too")
    func preference() throws {
        let test = try TestLoop()
        let places = Inbox<[Bool]>()
        let loop = test.loop
        loop.post {
            loop.startTask {
                let concurrent = await concurrentFunction(loop)
                let actor = await Bystander().isOnLoop(loop)
                async let child = concurrentFunction(loop)
                places.put([concurrent, actor, await child, loop.isOnLoop])
            }
        }
        #expect(try places.next().allSatisfy { $0 })
    }

    @Test("a thousand tasks at once, each resumed by a timer")
    func many() throws {
        let test = try TestLoop()
        let done = Inbox<Bool>()
        let loop = test.loop
        loop.post {
            for number in 0..<1_000 {
                loop.startTask {
                    await withCheckedContinuation { continuation in
                        LoopTimer(on: loop).start(after: .milliseconds(number % 20)) {
                            continuation.resume()
                        }
                    }
                    done.put(loop.isOnLoop)
                }
            }
        }
        #expect(try done.next(1_000).allSatisfy { $0 })
    }

    @Test("a task may outlive its loop: it is resumed and goes nowhere")
    func outlives() throws {
        let waiting = Inbox<CheckedContinuation<Void, Never>>()
        weak var leftover: EventLoop?
        do {
            let loop = try EventLoop(index: 0)
            leftover = loop
            loop.post {
                loop.startTask {
                    await withCheckedContinuation { waiting.put($0) }
                }
                loop.stop()
            }
            onNewThread(isAwaited: true) { loop.run() }
        }
        let continuation = try waiting.next()
        #expect(leftover != nil)
        continuation.resume()
    }
}
