"""What the commands' options have in common."""

from pathlib import Path
from typing import Annotated

import typer

from aevb.workflow.checkout import configuration_file

Config = Annotated[Path, typer.Option(help="Configuration file.")]
Datasets = Annotated[Path, typer.Option(help="Definitions of the data sets.")]
Cache = Annotated[Path, typer.Option(help="Where verified data is kept.")]
Settings = Annotated[str, typer.Option(help="One experiment, as `aevb settings` prints it.")]
Log = Annotated[Path | None, typer.Option(help="Also write the messages to this file.")]
Threads = Annotated[int, typer.Option(min=1, help="TensorFlow threads.")]
Backend = Annotated[
    str,
    typer.Option(
        help="What computes: tensorflow, pjrt, pjrt:PLATFORM, or pjrt:PLATFORM:fast for matrix"
        " products at less than float32's precision.",
        envvar="AEVB_BACKEND",
    ),
]
CheckpointSeconds = Annotated[
    float, typer.Option(help="Time between checkpoints.", envvar="AEVB_CHECKPOINT_SECONDS")
]
Record = Annotated[Path, typer.Option(help="The data set's record, written by `aevb fetch`.")]
Records = Annotated[
    list[Path], typer.Option(help="The data sets' records, written by `aevb fetch`.")
]
Weights = Annotated[list[Path], typer.Argument(help="Weights of the models, of `aevb train`.")]
OneWeights = Annotated[Path, typer.Option(help="Weights of the model, of `aevb train`.")]
Stem = Annotated[Path, typer.Option(help="Picture and table, without the suffix.")]
Table = Annotated[Path, typer.Option(help="The table (CSV).")]
Note = Annotated[str | None, typer.Option(help="Footer of the picture.")]

CONFIG = configuration_file("config.yaml")
DATASETS = configuration_file("datasets.yaml")
CLAIMS = configuration_file("claims.yaml")
STUDY = configuration_file("protocol_study.yaml")
