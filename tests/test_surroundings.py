"""Whatever a process inherits (a backend for figures, an encoding, limits, closed streams, flags
for TensorFlow), it works, or ends in one line that says what to do."""

import io
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aevb import cli, settings
from aevb.errors import AevbError, ConfigError
from aevb.figures import fig1, style
from aevb.process import startup
from aevb.process.progress import LOGGER, start_logging
from command_line import CONFIGURATION, audit
from configuration import CONFIG, DATASETS
from place import Place

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
SETTINGS = ["settings", "--dataset", "mnist", "--algorithm", "aevb", "--latent-dim", "3"]
MATPLOTLIBRC = "font.size: 30\naxes.grid: True\nsavefig.bbox: tight\nlines.linewidth: huge\n"


def aevb(*words, **options) -> subprocess.CompletedProcess:
    """The command line as a process of its own."""
    command = [sys.executable, "-m", "aevb", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def assert_one_error(text: str, *wanted: str) -> None:
    """The last line, and no other, is an error, with these texts in it."""
    assert "Traceback" not in text
    *before, last = text.splitlines()
    assert "error: " in last and not any("error: " in line for line in before), text
    for part in wanted:
        assert part in last


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "tkagg"])
def test_figures_are_the_same_whatever_matplotlib_is_told(tmp_path, backend):
    """A notebook's backend that is not installed, one that needs a screen, a person's own looks:
    the same bytes."""
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC, encoding="utf-8")
    environment = os.environ | {"MPLBACKEND": backend}
    done = aevb("figure", "fig1", "--output", "drawn", cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    pdf, png = style.save(fig1.draw(), tmp_path / "expected")
    assert (tmp_path / "drawn.pdf").read_bytes() == pdf.read_bytes()
    assert (tmp_path / "drawn.png").read_bytes() == png.read_bytes()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_audit_in_any_encoding(monkeypatch, tmp_path, encoding):
    """What the output cannot show is replaced there, and tables are drawn in what it can; files
    are in UTF-8."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "argv", ["aevb", *map(str, audit("--output", tmp_path))])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    shown = screen.buffer.getvalue().decode(encoding)
    assert "the record is sound" in " ".join(shown.split())
    assert ("━━━" in shown) == (encoding == "utf-8")
    assert ("+---" in shown) == (encoding != "utf-8")
    assert "???" not in shown
    assert "§" in (tmp_path / "audit.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path, closed):
    """A stream that is not there is no reason to fail."""
    words = ["document-config", "--output", tmp_path / "page.md", "--schemas", tmp_path]
    script = f'exec "$@" {closed}'
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "aevb", *map(str, words)]
    assert subprocess.run(command).returncode == 0
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(("stdout", "wanted"), [("pipe", ""), ("/dev/full", "No space left")])
def test_output_that_nobody_takes(stdout, wanted):
    """A reader that has gone is told nothing; a full disk ends in one line."""
    if stdout == "pipe":
        read, write = os.pipe()
        os.close(read)
    else:
        write = os.open(stdout, os.O_WRONLY)
    words = [*SETTINGS, *CONFIGURATION]
    command = [sys.executable, "-m", "aevb", *map(str, words)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 1
    if wanted:
        assert_one_error(done.stderr, wanted)
    else:
        assert done.stderr == ""


def test_outside_a_checkout(monkeypatch, tmp_path):
    """A configuration that is not here is named, with how to go on."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"config\.yaml: there is no such file; go to the check"):
        settings.load(Path("config/config.yaml"), DATASETS)


@pytest.mark.parametrize("key", ["cache_dir", "checkpoint_dir", "data_dir"])
def test_home_in_the_configuration(monkeypatch, key):
    """``~`` is the home folder in every setting that is a path."""
    monkeypatch.setenv("HOME", "/home/zoë")
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    checked, _ = settings.load(content | {key: "~/here"}, DATASETS)
    assert checked[key] == "/home/zoë/here"


def test_home_in_the_file_of_images(monkeypatch, tmp_path):
    """It is looked for in the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    with pytest.raises(ConfigError, match=f"{tmp_path}/own.npz: there is no such file"):
        settings.load(content | {"dataset": "~/own.npz"}, DATASETS)


@pytest.mark.parametrize("words", [["--output", "~/page.md"], ["--output=~/page.md"]])
def test_home_on_the_command_line(run, monkeypatch, tmp_path, words):
    """Also where the shell leaves it as it is."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "schemas").mkdir()
    code, _, text = run("document-config", *words, "--schemas", tmp_path / "schemas")
    assert code == 0, text
    assert [path.name for path in tmp_path.rglob("*.md")] == ["page.md"]
    assert (tmp_path / "home/page.md").exists()


ENDINGS = {
    "os._exit(1)": 1,
    "os.abort()": -signal.SIGABRT,
    "os.kill(os.getpid(), signal.SIGILL)": -signal.SIGILL,
    "os.kill(os.getpid(), signal.SIGKILL)": -signal.SIGKILL,
    "pass": 0,
    "raise SystemExit(3)": 3,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_start_that_ends_the_process_is_not_silent(ending):
    """What was said on standard error is kept back, and shown only where the process died of it."""
    code = (
        "import os, signal\n"
        "from aevb.process.startup import standard_error_unless_killed\n"
        "with standard_error_unless_killed('A library'):\n"
        f"    os.write(2, b'last words\\n'); {ending}\n"
        "os.write(2, b'later\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == ENDINGS[ending]
    if ending == "pass":
        assert done.stderr == "later\n"
    elif ending.startswith("raise"):
        assert done.stderr == ""
    else:
        assert done.stderr.splitlines()[0] == "last words"
        assert_one_error(done.stderr, "A library ended this process", "TF_XLA_FLAGS", "ulimit -a")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return Place(tmp_path_factory.mktemp("place"))


@pytest.mark.workflow
def test_flag_that_tensorflow_refuses(place):
    """TensorFlow ends the process itself; the flag is named all the same."""
    outcome = place.run("flag", env={"TF_XLA_FLAGS": "--tf_nope"})
    assert outcome.code == 1
    assert "Unknown flag in TF_XLA_FLAGS: --tf_nope" in outcome.text
    assert_one_error(outcome.text, "TensorFlow ended this process")


@pytest.mark.workflow
def test_memory_limit_too_low_for_tensorflow(place):
    """Said beforehand, where TensorFlow would crash."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2_500_000 * 1024, 2_500_000 * 1024))

    outcome = place.run("limited", limit=limit)
    assert outcome.code == 1
    assert_one_error(outcome.text, "ulimit -v 2500000", "ulimit -v unlimited")


def test_processor_without_avx(monkeypatch, tmp_path):
    """Said beforehand, where TensorFlow would crash."""
    monkeypatch.setattr(startup.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(startup, "_CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu sse2 avx avx2\n", encoding="utf-8")
    startup._check_machine()
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu sse2\n", encoding="utf-8")
    with pytest.raises(AevbError, match="this processor has no AVX"):
        startup.start_tensorflow(1)


def test_broken_installation(monkeypatch):
    """A TensorFlow that cannot be imported, in whichever way, ends in one line."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(AevbError, match=r"cannot be loaded \(ModuleNotFoundError: .*make install"):
        startup.start_tensorflow(1)


def test_log_takes_any_path(monkeypatch, tmp_path):
    """A file's name that is no UTF-8 does not keep its message out of the log."""
    # pytest-xdist's workers cannot send such a name to the controller.
    monkeypatch.setattr(LOGGER, "propagate", False)
    start_logging(tmp_path / "log")
    LOGGER.info(os.fsdecode(b"L\xe4ufe is missing"))
    assert "ufe is missing" in (tmp_path / "log").read_text(encoding="utf-8")


def test_a_package_is_missing_while_others_are_imported():
    """It cannot be imported inside the block, and can afterwards; one that is there stays."""
    with startup.missing("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules
    with startup.missing("json"):
        import json
    assert sys.modules["json"] is json
