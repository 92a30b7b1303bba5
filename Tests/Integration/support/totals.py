"""Prints `passed failed` of a JUnit report; a report that is missing or empty has none."""

import pathlib
import sys
import xml.etree.ElementTree

report = pathlib.Path(sys.argv[1])
passed = failed = 0
if report.exists():
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        failed += bad
        passed += max(0, int(suite.get("tests", 0)) - bad - int(suite.get("skipped", 0)))
print(passed, failed)
