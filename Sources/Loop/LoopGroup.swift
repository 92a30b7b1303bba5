import CLinux

/// The loops of a server and their threads.
package final class LoopGroup: Sendable {
    package let loops: [EventLoop]

    /// Starts `count` loops, each on a thread of its own.
    ///
    /// - Throws: `SystemCallError` when a thread, an epoll or an eventfd cannot be had.
    package init(count: Int) throws(SystemCallError) {
        var loops: [EventLoop] = []
        for index in 0..<max(count, 1) { loops.append(try EventLoop(index: index)) }
        self.loops = loops
        do {
            for loop in loops { try Self.startThread(loop) }
        } catch {
            stop()
            throw error
        }
    }

    /// How many cores this process may use.
    package static var availableCores: Int {
        Int(clinux_available_cores())
    }

    /// The loop the caller runs on, if it is one of this group.
    package var current: EventLoop? {
        loops.first { $0.isOnLoop }
    }

    /// Ends every loop after what has been posted so far.
    package func stop() {
        for loop in loops { loop.post { loop.stop() } }
    }

    private static func startThread(_ loop: EventLoop) throws(SystemCallError) {
        try DetachedThread.start("loop-\(loop.index)") { loop.run() }
    }
}
