"""A server process under test: started on a free port, watched, ended by its PID."""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

from . import paths
from .deadline import SECONDS

LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


class Server:
    """A running server; `port` is the one it printed."""

    def __init__(self, name: str, *arguments: str, port: int = 0, environment=None):
        self.name = name
        self.arguments = [str(argument) for argument in arguments]
        self.environment = environment or {}
        self.lines: list[str] = []
        self.process = None
        self._changed = threading.Condition()
        self._errors = tempfile.TemporaryFile(mode="w+b")
        self.port = port
        self.start(port)

    def start(self, port: int) -> None:
        """Starts the process and waits for its `listening on` line."""
        command = paths.command(self.name) + ["--port", str(port), *self.arguments]
        self.lines = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **self.environment},
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        try:
            line = self.wait_for_line(LISTENING)
        except AssertionError:
            self.kill()
            raise
        self.port = int(LISTENING.search(line).group(1))

    def _read(self, process) -> None:
        for raw in process.stdout:
            with self._changed:
                self.lines.append(raw.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for_line(self, pattern, seconds: float = SECONDS) -> str:
        """The first line of standard output that `pattern` is found in, awaited."""
        pattern = re.compile(pattern)
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for line in self.lines:
                    if pattern.search(line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(
                        f"{self.name}: no line matches {pattern.pattern!r}\n{self.report()}"
                    )
                self._changed.wait(min(left, 0.2))

    def wait_for_log(self, pattern, seconds: float = SECONDS) -> str:
        """A line of standard output or standard error, whichever has it first."""
        pattern = re.compile(pattern)

        def search():
            for line in [*self.lines, *self.errors().splitlines()]:
                if pattern.search(line):
                    return line
            return None

        return eventually(search, seconds, lambda: f"no log line {pattern.pattern}\n{self.report()}")

    def errors(self) -> str:
        """What the process wrote to standard error so far."""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode(errors="replace")

    def report(self) -> str:
        status = self.process.poll() if self.process else None
        return (
            f"exit status {status}\n--- stdout\n" + "\n".join(self.lines[-50:])
            + "\n--- stderr\n" + self.errors()[-8000:]
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def get(self, path: str, seconds: float = SECONDS):
        """The JSON that `path` answers."""
        with urllib.request.urlopen(self.url + path, timeout=seconds) as response:
            return json.load(response)

    def reasons(self, sid: str, count: int = 2, seconds: float = SECONDS) -> list[str]:
        """`["disconnecting:R", "disconnect:R"]` of the socket `sid`, awaited."""

        def search():
            log = self.get("/reasons").get(sid, [])
            return log if len(log) >= count else None

        return eventually(search, seconds, lambda: f"reasons of {sid}: {self.get('/reasons')}")

    def terminate(self, seconds: float = SECONDS) -> int:
        """Sends SIGTERM and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} ignored SIGTERM for {seconds} s\n{self.report()}")
        self._reader.join(SECONDS)
        self.process.stdout.close()
        return status

    def kill(self) -> None:
        """Ends the process without a word to anyone."""
        self.process.kill()
        self.process.wait()
        self._reader.join(SECONDS)
        self.process.stdout.close()

    def stop(self) -> None:
        """Ends the process and checks that it had not died by itself."""
        if self.process.stdout.closed:
            return
        died = self.process.poll()
        status = self.terminate()
        assert died is None, f"{self.name} died with {died}\n{self.report()}"
        assert status == 0, f"{self.name} exited with {status} on SIGTERM\n{self.report()}"


def eventually(search, seconds: float = SECONDS, describe=lambda: ""):
    """What `search` returns once it is neither None nor False; asked again until the deadline."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        found = search()
        if found is not None and found is not False:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {describe()}")
        pause.wait(0.01)
