#!/usr/bin/env python3
"""Adds up the result files of one test run, names what failed and why, and prints `N passed, N failed` as the last line.

Exit code 1 if anything failed."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

# What is printed of one reason, and of how many failures: whoever wants more reads the step's log.
REASON_MAX = 300
FAILURES_MAX = 50


def reason_of(mark: ElementTree.Element) -> str:
    """The first line that says something of one failure; Swift Testing writes an attribute, pytest also a text."""
    for text in (mark.get("message"), mark.text):
        lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
        if lines:
            return lines[0] if len(lines[0]) <= REASON_MAX else lines[0][: REASON_MAX - 1] + "…"
    return "no reason given"


def name_of(case: ElementTree.Element) -> str:
    return "/".join(part for part in (case.get("classname"), case.get("name")) if part) or "a test without a name"


def read(path: pathlib.Path) -> tuple[int, int, list[tuple[str, str]]]:
    """Passed, skipped, and name and reason of each failed test in one JUnit file."""
    passed = skipped = 0
    failures = []
    for case in ElementTree.parse(path).iter("testcase"):
        marks = [child for child in case if child.tag in ("failure", "error")]
        if marks:
            failures.append((name_of(case), reason_of(marks[0])))
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, skipped, failures


def main(folder: str) -> int:
    results = pathlib.Path(folder)
    passed = skipped = 0
    failures = []
    explained = set()  # Steps whose failure is already counted, test by test.
    # Swift Testing writes its own file beside the one that was asked for, which then holds XCTest's results: none.
    files = (
        ("swift-swift-testing.xml", "swift-tests"),
        ("timed-swift-testing.xml", "swift-tests"),
        ("busy-swift-testing.xml", "swift-tests"),
        ("clients.xml", "client-tests"),
    )
    for path, step in files:
        file = results / path
        has_begun = (results / f"begun-{path}").exists()
        try:
            good, left_out, bad = read(file)
        except (FileNotFoundError, ElementTree.ParseError):
            # Never written, or cut short. Where nothing says that it had begun, its step is counted below.
            good, left_out, bad = 0, 0, [(path, "ended without its results")] if has_begun else []
        passed, skipped = passed + good, skipped + left_out
        failures += bad
        if bad:
            explained.add(step)
    passed += len(list(results.glob("passed-*")))
    for marker in sorted(results.glob("failed-*")):
        step = marker.name.removeprefix("failed-")
        if step not in explained:
            failures.append((marker.read_text().strip(), "failed as a whole"))
    if passed + len(failures) == 0:
        failures.append(("the run", "no test ran"))
    if skipped:
        print(f"{skipped} skipped")
    for name, reason in failures[:FAILURES_MAX]:
        print(f"failed: {name}: {reason}")
    if len(failures) > FAILURES_MAX:
        print(f"failed: {len(failures) - FAILURES_MAX} more")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
