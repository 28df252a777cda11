"""``python -m aevb.bundle``: train a bundle where there is JAX and no TensorFlow."""

import argparse
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType

from aevb.bundle import results
from aevb.bundle.archive import Bundle
from aevb.errors import AevbError
from aevb.process.interruption import Interrupted
from aevb.process.progress import LOGGER, start_logging


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args(arguments)
    start_logging()
    try:
        return options.command(options)
    except AevbError as error:
        LOGGER.error(f"error: {error}")
        return 1
    except OSError as error:
        LOGGER.error(f"error: {error}")
        return 1
    except Interrupted as stopped:
        LOGGER.error(str(stopped))
        return 128 + stopped.signal_number
    except KeyboardInterrupt:
        LOGGER.error("stopped")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aevb.bundle", description=__doc__)
    commands = parser.add_subparsers(required=True)

    run = commands.add_parser("run", help="train all that is in a bundle")
    run.add_argument("bundle", type=Path, help="written by `aevb export`")
    run.add_argument("--output", type=Path, required=True, help="folder of the results")
    run.add_argument("--platform", help="cpu, cuda, rocm, metal, tpu; default: the best there is")
    run.add_argument(
        "--precision",
        choices=("highest", "fast"),
        default="highest",
        help="of matrix products in training: true float32, or the device's fastest (TF32)",
    )
    run.add_argument("--only", nargs="+", help="only runs whose name contains one of these")
    run.add_argument("--checkpoint-seconds", type=float, default=60.0, help="0 writes none")
    run.add_argument("--keep-members", type=int, help="keep the weights of so many first seeds")
    run.add_argument("--seconds", type=float, help="begin no further run after this time")
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="agreement with the CPU, and speed")
    check.add_argument("bundle", type=Path, help="written by `aevb export-check`")
    check.add_argument("--output", type=Path, required=True, help="folder of the tables")
    check.add_argument("--platform", help="as for `run`")
    check.add_argument("--only", nargs="+", help="as for `run`")
    check.add_argument(
        "--precision", nargs="+", choices=("highest", "fast"), default=["highest", "fast"]
    )
    check.set_defaults(command=_check)

    listing = commands.add_parser("list", help="say what is in a bundle")
    listing.add_argument("bundle", type=Path)
    listing.set_defaults(command=_list)

    table = commands.add_parser("table", help="the curves of all results as one table (CSV)")
    table.add_argument("folder", type=Path, help="of `run`")
    table.add_argument("--output", type=Path, required=True)
    table.set_defaults(command=_table)
    return parser


def _run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    bundle = _chosen(options)
    running = _module("running")
    cache = options.output / results.CHECKPOINTS / "programs"
    device = running.Device(options.platform, cache)
    diverged = running.run(
        bundle,
        options.output,
        device,
        precision=options.precision,
        checkpoint_seconds=options.checkpoint_seconds or None,
        keep_members=options.keep_members,
        deadline=None if options.seconds is None else began + options.seconds,
    )
    return 1 if diverged else 0


def _check(options: argparse.Namespace) -> int:
    check = _module("check")
    device = check.Device(options.platform)
    return 1 if check.check(_chosen(options), options.output, device, options.precision) else 0


def _chosen(options: argparse.Namespace) -> Bundle:
    bundle = Bundle(options.bundle)
    if options.only:
        bundle.runs = [run for run in bundle.runs if any(part in run.name for part in options.only)]
        if not bundle.runs:
            raise AevbError(f"--only: no run of {options.bundle} has such a name; see `list`")
    return bundle


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"aevb.bundle.{name}")
    except ImportError as error:
        raise AevbError(
            f"JAX cannot be imported ({error}); install it with `pip install jax`, or with the"
            " plugin of your device, such as `jax[cuda13]`"
        ) from None


def _list(options: argparse.Namespace) -> int:
    for run in Bundle(options.bundle).runs:
        sizes = sorted(set(run.step_sizes))
        print(
            f"{run.name}: {len(run.seeds)} members (seeds {sorted(set(run.seeds))}, step sizes"
            f" {sizes}), {run.log_points[-1]:,} samples"
        )
    return 0


def _table(options: argparse.Namespace) -> int:
    results.write_table(results.read_all(options.folder), options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
