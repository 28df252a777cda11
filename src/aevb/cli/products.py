"""Figures and tables, made from finished tables alone: a command an entry of the catalogue."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from aevb.catalogue import PRODUCTS, Product
from aevb.cli.options import Log, Note, Stem, Table
from aevb.files import write_atomically
from aevb.process.progress import LOGGER, start_logging
from aevb.workflow.checkout import ROOT

figures = typer.Typer(help="Draw a figure from finished tables.", no_args_is_help=True)
tables = typer.Typer(help="Make a table from finished tables.", no_args_is_help=True)


def write(product: Product, given: dict[str, Any]) -> None:
    """Make a product, and write it where ``given`` says; the rest of it is for its module."""
    drawn = product.drawn
    words = ("output", *drawn.told_apart)
    places = {option: given.pop(option) for option in words if option in given}
    made = product.module.make(**given)
    if "picture" in made:
        from aevb.figures import style

        style.save(made.pop("picture"), places["output"])
    for option, text in made.items():
        path = places.get(option)
        if path is None:
            suffix = Path(drawn.outputs[option]).suffix
            path = places["output"].with_name(places["output"].name + suffix)
        write_atomically(path, text)
    LOGGER.info(f"wrote {', '.join(str(path) for path in places.values())}")


def _command(product: Product) -> Callable[..., None]:
    """The function from which Typer makes the command."""
    drawn = product.drawn

    def command(log: Path | None = None, **given: Any) -> None:
        start_logging(log)
        write(product, given)

    parameters = _parameters(product)
    command.__doc__ = " ".join(product.caption.split())
    command.__signature__ = inspect.Signature(
        [
            inspect.Parameter(name, kind, default=default, annotation=annotation)
            for kind in [inspect.Parameter.KEYWORD_ONLY]
            for name, (annotation, default) in parameters.items()
        ]
    )
    command.__annotations__ = {name: annotation for name, (annotation, _) in parameters.items()}
    command.__name__ = drawn.words
    return command


def _parameters(product: Product) -> dict[str, tuple[Any, Any]]:
    """Type and default of each parameter, by its name."""
    drawn, needed = product.drawn, inspect.Parameter.empty
    found: dict[str, tuple[Any, Any]] = {}
    if drawn.folder:
        told = typer.Argument(help="Folder of the results of one scale.")
        found["folder"] = Annotated[Path, told], needed
    for option, needs in drawn.inputs.items() if not drawn.folder else ():
        kind = list[Path] if callable(needs) else Path
        told = (typer.Argument if option == drawn.argument else typer.Option)(help=_help(needs))
        found[option] = Annotated[kind, told], needed
    for option, path in drawn.given.items():
        found[option] = Annotated[Path, typer.Option(help="The paper's curves.")], ROOT / path
    for option in drawn.options:
        told = typer.Option(help=f"Only of this {option}; default: all.")
        found[option] = Annotated[list[str] | None, told], None
    if drawn.stem:
        found["output"] = Stem, needed
    for option, path in drawn.told_apart.items():
        other = Annotated[Path, typer.Option(help=f"Written as {path} in the workflow.")]
        found[option] = Table if option == "output" else other, needed
    if drawn.note:
        found["note"] = Note, None
    found["log"] = Log, None
    return found


def _help(needs: Any) -> str:
    if isinstance(needs, str):
        return f"Made as {needs} by the workflow."
    return (needs.__doc__ or "Files that the workflow makes.").split("\n")[0]


for _product in PRODUCTS:
    _group, *_name = _product.drawn.words.split()
    if _name:
        _app = {"figure": figures, "table": tables}[_group]
        _app.command(_name[0], short_help=_product.summary)(_command(_product))


@tables.command("reference")
def table_reference(
    figure: Annotated[Path, typer.Argument(help="The table of Figure 2 or 3 (CSV).")],
    output: Table,
    log: Log = None,
) -> None:
    """Keep the ends of our curves as the numbers that must come out again."""
    from aevb.audit.tables import read_csv
    from aevb.tables.reference import ends

    start_logging(log)
    write_atomically(output, ends(read_csv(figure)).to_csv(index=False, float_format="%.4f"))
