"""nginx in front of local replicas, with the repository's nginx.conf."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

from . import http, paths
from .deadline import SECONDS
from .process import eventually
from .redis import free_port

RENDER = paths.REPOSITORY / "Demo" / "nginx-local"


class Nginx:
    """A running nginx; `lines` is its access log and its errors."""

    def __init__(self, *replica_ports: int):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
        # The workers give up root for a user that must reach the folder.
        self._folder.chmod(0o755)
        self.lines: list[str] = []
        self.port = free_port()
        words = [str(self._folder), str(self.port), *map(str, replica_ports)]
        rendered = subprocess.run([RENDER, *words], capture_output=True, text=True, check=True)
        self._configuration = self._folder / "nginx.conf"
        self._configuration.write_text(rendered.stdout)
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self._folder), "-c", str(self._configuration), "-g", "daemon off;"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        eventually(self._answers, SECONDS, lambda: f"nginx does not answer: {self.lines}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _read(self) -> None:
        for raw in self.process.stdout:
            self.lines.append(raw.decode(errors="replace").rstrip("\n"))

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"nginx has ended: {self.lines}"
        try:
            return http.request(self.port, "GET", "/nginx-health").status == 200
        except (OSError, http.Closed):
            return False

    @property
    def workers(self) -> set[int]:
        """The PIDs of the processes that serve; those on their way out too."""
        pid = self.process.pid
        return {int(one) for one in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def reload(self) -> None:
        """Starts new workers; the old ones keep their connections until these end."""
        old = self.workers
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.workers - old, SECONDS, lambda: f"no new workers: {self.lines[-20:]}")
        eventually(self._answers)

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
