#!/usr/bin/env python3
"""Adds up the result files of one test run and prints `N passed, N failed`. Exit code 1 if anything failed."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def counts(path: pathlib.Path) -> tuple[int, int, int]:
    """Passed, failed and skipped in one JUnit file."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(folder: str) -> int:
    results = pathlib.Path(folder)
    passed = failed = skipped = 0
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
        if not file.exists():
            continue
        try:
            good, bad, left_out = counts(file)
        except ElementTree.ParseError:
            continue  # Cut short: the step has failed, and is counted below as such.
        passed, failed, skipped = passed + good, failed + bad, skipped + left_out
        if bad:
            explained.add(step)
    passed += len(list(results.glob("passed-*")))
    for marker in results.glob("failed-*"):
        step = marker.name.removeprefix("failed-")
        if step not in explained:
            failed += 1
            print(f"failed as a whole: {marker.read_text().strip()}")
    if passed + failed == 0:
        print("no test ran")
        failed = 1
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
