/// The loop as the preferred executor of tasks.
///
/// A second object beside the `SerialExecutor`: the runtime elides a hop only when both executors
/// of job and task match.
final class LoopTaskExecutor: TaskExecutor {
    private unowned let loop: EventLoop

    init(loop: EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueueTaskJob(UnownedJob(job))
    }
}

/// The isolation of code that runs on a loop.
actor LoopActor {
    private nonisolated unowned let loop: EventLoop

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// Starts `body` isolated to this actor, at once.
    func start(
        _ body: nonisolated(nonsending) @escaping @Sendable () async -> Void,
        on executor: any TaskExecutor
    ) {
        Task.immediate(executorPreference: executor) { [loop] in
            await body()
            // The runtime's references to executors are unowned: the task keeps the loop alive.
            withExtendedLifetime((self, loop)) {}
        }
    }
}
