"""One thread, a quiet TensorFlow, a test of means; the command line, the real data sets, tiny
images and a browser as fixtures."""

import os
import shutil
import signal
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest
import yaml
from scipy import stats

from aevb.process.startup import garbage_left_alone, missing

with garbage_left_alone(), missing("jax"):
    import tensorflow as tf

    from aevb import cli, data
    from aevb.process.progress import LOGGER
    from aevb.training import assembly, experiment

from tiny import DEFINITION

# Assertions outside of test files say what they compared, too.
pytest.register_assert_rewrite("command_line", "drawn", "project", "training_runs")

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


tf.config.threading.set_intra_op_parallelism_threads(1)
tf.get_logger().setLevel("ERROR")
tf.config.threading.set_inter_op_parallelism_threads(1)

# A shell has what it starts in the background ignore these, and what tests start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

FALSE_FAILURE_RATE = 1e-6
"""Of one call of :func:`assert_means`, under the normal approximation."""


def assert_means(samples, expected, detects: float) -> None:
    """The means of ``samples`` over the first axis are ``expected``: a two-sided z-test.

    All components together fail with a probability of at most FALSE_FAILURE_RATE when the means
    are as expected (Bonferroni). A mean that is off by ``detects`` is found with a probability of
    1 − FALSE_FAILURE_RATE or more.

    Raises:
        AssertionError: a mean is not as expected.
        ValueError: the sample is too small to find ``detects``; no AssertionError, so that a
            negative control does not pass for this reason.
    """
    samples = np.asarray(samples, np.float64)
    n = len(samples)
    expected = np.broadcast_to(np.asarray(expected, np.float64), samples.shape[1:])
    standard_error = samples.std(axis=0, ddof=1) / np.sqrt(n)
    threshold = stats.norm.isf(FALSE_FAILURE_RATE / 2 / max(expected.size, 1))
    detected = (2 * threshold * standard_error).max()
    if detected > detects:
        raise ValueError(f"{n} samples find {detected:.3g} at best, not {detects}")
    np.testing.assert_array_less(
        np.abs(samples.mean(axis=0) - expected), threshold * standard_error + 1e-12
    )


_LONGEST = (
    *("test_workflow", "test_faults_workflow", "test_ais", "test_harmonic", "test_left_out"),
    *("test_cli_section2", "test_deployment", "test_backends", "test_bundle", "test_training"),
    *("test_kill_and_resume", "test_cli_models", "test_faults"),
)
"""Files that would keep everybody waiting if they came last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that parallel workers end together."""
    ranks = {name: rank for rank, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture(scope="module", autouse=True)
def programs_of_equal_trainers():
    """Trainers that are equal are one, so that its programs are compiled once in a file. One that
    must have its own is a copy by :func:`dataclasses.replace`."""
    found, made = {}, assembly.trainer

    def trainer(*arguments):
        one = made(*arguments)
        return found.setdefault(one, one)

    with pytest.MonkeyPatch.context() as patch:
        for module in (assembly, experiment):
            patch.setattr(module, "trainer", trainer)
        yield


def _load(name: str, cache: Path) -> data.Dataset:
    if not os.environ.get("AEVB_DATA_DIR"):
        pytest.skip("AEVB_DATA_DIR is not set to a folder that holds the real data files")
    settings = Path(__file__).parents[1] / "config" / "datasets.yaml"
    definition = yaml.safe_load(settings.read_text(encoding="utf-8"))["datasets"][name]
    local = definition | {"sources": [{"kind": "local"}]}
    return data.load(name, definition, Path(data.fetch(name, local, cache)["path"]))


@pytest.fixture(scope="session")
def real_mnist(tmp_path_factory) -> data.Dataset:
    return _load("mnist", tmp_path_factory.mktemp("mnist"))


@pytest.fixture(scope="session")
def real_frey(tmp_path_factory) -> data.Dataset:
    return _load("frey_face", tmp_path_factory.mktemp("frey_face"))


@pytest.fixture
def fresh_logging(monkeypatch):
    """Messages go to this test's standard error, and no local folder is set from outside."""
    LOGGER.handlers.clear()
    monkeypatch.delenv("AEVB_DATA_DIR", raising=False)
    yield
    for handler in LOGGER.handlers:
        handler.close()
    LOGGER.handlers.clear()


@pytest.fixture
def run(fresh_logging, monkeypatch, capsys, tmp_path):
    """Run the command line as `aevb` does: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aevb", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        return ended.value.code or 0, output.out, output.err

    return call


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> data.Dataset:
    """Grey images with structure: 200 for training, 50 for testing."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("tiny")
    centre = np.linspace(0, 255, 36)
    parts = {
        name: np.clip(centre + rng.normal(0, 60, (n, 36)), 0, 255).astype(np.uint8)
        for name, n in (("train", 200), ("test", 50))
    }
    np.savez(folder / "tiny.npz", **parts)
    record = data.fetch("tiny", DEFINITION, folder / "cache", folder, lambda line: None)
    return data.load("tiny", DEFINITION, Path(record["path"]))


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("there is no chromium to show the page in")
    with api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGS)
        except api.Error as error:
            pytest.skip(f"chromium does not start: {str(error).splitlines()[0]}")
        yield started
        started.close()
