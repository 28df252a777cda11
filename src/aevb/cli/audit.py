"""The record of a scale, and the audit of its claims."""

import json
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from aevb import settings as configuration
from aevb.cli.options import CLAIMS, CONFIG, DATASETS, Config, Datasets, Log
from aevb.errors import AuditFailure, ConfigError, DataError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER, start_logging
from aevb.workflow.checkout import RESOURCES, ROOT

app = typer.Typer()

Folder = Annotated[
    Path | None, typer.Option(help="The results, where they are not in results/SCALE.")
]
Scale = Annotated[str | None, typer.Option(help="The scale; without one, the configuration's.")]
Settings = Annotated[
    str | None, typer.Option(help="The checked configuration as JSON, in place of --config.")
]


@app.command()
def manifest(
    scale: Scale = None,
    folder: Folder = None,
    records: Annotated[
        list[Path] | None, typer.Option("--record", help="The data sets' records.")
    ] = None,
    settings: Settings = None,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """List every file of a scale's results with its sha256, and where the numbers come from."""
    from aevb.audit import manifest as manifests

    start_logging(log)
    checked, _ = _configuration(settings, config, datasets)
    scale = scale or checked["scale"]
    folder = folder or Path("results", scale)
    content = manifests.make(folder, scale, checked, records or [], _checkout())
    path = folder / manifests.NAME
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    LOGGER.info(f"wrote {path}: {len(content['files'])} files")


@app.command()
def files(
    scale: Scale = None,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
) -> None:
    """List the figures, tables and pages that the configuration asks for, of all its data sets, by
    their paths below results/SCALE."""
    from aevb import catalogue
    from aevb.workflow.outputs import Outputs

    checked, definitions = configuration.load(config, datasets)
    scale = _known(scale or checked["scale"], checked)
    outputs = Outputs(checked, definitions, scale, lambda dataset: True)
    print("\n".join(catalogue.files(outputs)))


@app.command()
def audit(
    scale: Scale = None,
    folder: Folder = None,
    output: Annotated[
        Path | None, typer.Option(help="Also write the tables and JUnit XML to this folder.")
    ] = None,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="End well whatever the verdicts are.")
    ] = False,
    claims: Annotated[Path, typer.Option(help="The claims.")] = CLAIMS,
    resources: Annotated[Path, typer.Option(help="Where the paper's curves lie.")] = RESOURCES,
    settings: Settings = None,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """Check a scale's finished results: every claim of the paper, and whether the record is whole.

    Ends with exit status 1 on a regression: a claim's verdict is worse than is known of it, or the
    record is not sound. Takes seconds, and needs nothing but the results.
    """
    from aevb.audit import checks, record, reports
    from aevb.audit.claims import FAILED, assess_all, read_claims

    start_logging(log)
    checked, definitions = _configuration(settings, config, datasets)
    scale = _known(scale or checked["scale"], checked)
    folder = folder or Path("results", scale)
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not there; make it first: snakemake --config scale={scale}; or name"
            " another folder with --folder"
        )
    asked = read_claims(claims)
    found = record.read(folder, resources, checked, definitions, scale, asked.gaps)
    verdicts = assess_all(asked, found.tables, scale, found.expected)
    findings = checks.check(found)
    if output is not None:
        frames = {
            "claims": reports.claims_table(verdicts),
            "cases": reports.cases_table(verdicts),
            "record": reports.record_table(findings),
        }
        for name, frame in frames.items():
            text = frame.to_csv(index=False, float_format="%.6g")
            write_atomically(output / f"{name}.csv", text)
        write_atomically(output / "audit.md", reports.markdown(verdicts, findings, scale))
        write_atomically(output / "verdicts.md", reports.verdicts_markdown(frames["claims"]))
        write_atomically(output / "audit.html", reports.page(verdicts, findings))
        write_atomically(output / "junit.xml", reports.junit(verdicts, findings, scale))
    print(reports.terminal(verdicts, findings, scale), end="")
    failing = [verdict.claim.name for verdict in verdicts if verdict.status == FAILED]
    failing += [finding.check for finding in findings if finding.outcome == record.WRONG]
    if failing and not report_only:
        raise AuditFailure(f"the audit of {folder} fails: {', '.join(failing)}")


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(help="A folder of results, as results/smoke.")],
    other: Annotated[Path, typer.Argument(help="Another, of the same scale.")],
) -> None:
    """List what two folders of results differ in, times and logs aside: nothing, where one commit
    made both on one machine.

    Ends with exit status 1 where they differ.
    """
    from aevb.audit.differences import differences

    found = list(differences(one, other))
    for difference in found:
        print(f"{difference.file}: {difference.what}")
    if found:
        raise AuditFailure(f"{one} and {other} differ in {len(found)} files")
    print(f"{one} and {other} are the same, times aside")


def _known(scale: str, checked: dict) -> str:
    if scale not in checked["scales"]:
        raise ConfigError(f"scale: {scale!r} is unknown; allowed: {', '.join(checked['scales'])}")
    return scale


def _configuration(settings: str | None, config: Path, datasets: Path) -> tuple[dict, dict]:
    if settings is None:
        return configuration.load(config, datasets)
    try:
        content = json.loads(settings)
    except ValueError as error:
        raise ConfigError(f"--settings is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError("--settings is no table of keys")
    return configuration.load(content, datasets)


def _checkout() -> str | None:
    """The commit of the checkout, marked where it has changes; None outside version control."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
