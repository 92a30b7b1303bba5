"""The official JavaScript client under Node: every test in js/ is a test here."""

import json
import os
import subprocess
import xml.etree.ElementTree

import pytest

from support import paths

XMLHTTPREQUEST = "/usr/share/nodejs/xmlhttprequest"
SECONDS = 600


def run(file: str, report) -> dict[str, str | None]:
    """Runs a test file; the failure, or None, of each test by its name."""
    process = subprocess.run(
        [paths.node(), "--test", "--test-reporter=junit", f"--test-reporter-destination={report}",
         "--test-timeout=240000", str(paths.JS_TESTS / file)],
        env={
            **os.environ,
            "SERVER_COMMAND": json.dumps(paths.command("ConformanceServer")),
            "CLIENT_BUNDLE": str(paths.CLIENT_BUNDLE),
            "XMLHTTPREQUEST": XMLHTTPREQUEST,
        },
        capture_output=True, text=True, timeout=SECONDS,
    )
    outcomes: dict[str, str | None] = {}

    def visit(element, prefix):
        for child in element:
            name = f"{prefix}{child.get('name')}"
            if child.tag == "testsuite":
                visit(child, name + ": ")
            elif child.tag == "testcase":
                failure = child.find("failure")
                outcomes[name] = None if failure is None else (failure.text or "failed")

    if report.exists():
        visit(xml.etree.ElementTree.parse(report).getroot(), "")
    if process.returncode and not any(outcomes.values()):
        outcomes["the file itself"] = process.stdout[-4000:] + process.stderr[-4000:]
    return outcomes


FILES = sorted(path.name for path in paths.JS_TESTS.glob("*.test.mjs"))


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("file", FILES)
def test_official_client(file, tmp_path, subtests):
    assert paths.CLIENT_BUNDLE.exists(), f"run Demo/fetch-client: no {paths.CLIENT_BUNDLE}"
    outcomes = run(file, tmp_path / "report.xml")
    assert outcomes, "no test ran"
    for name, failure in outcomes.items():
        with subtests.test(name):
            assert failure is None, failure
