"""A program that ends at once ends as it would by itself."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys
from aevb.process.ending import run_to_the_end
def main():
    atexit.register(print, "registered", end="")
    print("said", end=" ")
    print("complained", end="", file=sys.stderr)
    {end}
{run}
"""


def outcome(end: str, run: str) -> tuple[int, str, str]:
    words = [sys.executable, "-c", PROGRAM.format(end=end, run=run)]
    done = subprocess.run(words, capture_output=True, text=True)
    # Of a traceback, its last line: where it began is not the same.
    return done.returncode, done.stdout, done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "sys.exit()",
        "sys.exit(0)",
        "sys.exit(3)",
        "sys.exit(True)",
        "sys.exit(-1)",
        "sys.exit('why')",
        "1 / 0",
        "raise KeyboardInterrupt",
    ],
)
def test_it_ends_as_python_does(end):
    """With its exit code, with all that it has said, and after what it has registered."""
    found = outcome(end, "run_to_the_end(main)")
    assert found == outcome(end, "main()")
    assert found[1] == "said registered"


LEFT = """
import os
class Left:
    def __del__(self, write=os.write):
        write(1, b" gone")
left = Left()
"""


@pytest.mark.parametrize("ends_at_once", [True, False])
def test_no_module_is_taken_apart(ends_at_once):
    """That is what is saved: what a module holds at the end is not looked after one by one."""
    run = LEFT + ("run_to_the_end(main)" if ends_at_once else "main()")
    assert (" gone" in outcome("pass", run)[1]) != ends_at_once
