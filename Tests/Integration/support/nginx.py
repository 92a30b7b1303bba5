"""nginx of the test's own in front of local ports, with the repository's nginx.conf."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from . import http, paths
from .process import eventually
from .redis import free_port

CONFIGURATION = paths.REPOSITORY / "nginx.conf"
# What holds for a local process and is the image's own affair in a container.
PREFIX = """
daemon off;
pid {directory}/nginx.pid;
error_log stderr warn;
{user}
"""
TEMPORARY = "\n".join(
    f"    {kind}_temp_path {{directory}}/{kind};"
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
