"""The catalogue's commands as rules of the workflow."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from aevb.catalogue.entries import PRODUCTS
from aevb.catalogue.product import Command, Product, listed
from aevb.provenance import code_hash
from aevb.workflow.outputs import Outputs

FOLDER = "results/{scale}"
_FORMS = {".pdf": "PDF", ".png": "PNG", ".csv": "CSV", ".html": "page"}

Wildcards = Mapping[str, str]


@dataclass(frozen=True)
class Maker:
    """What one name of a rule stands for: a product's command, on one data set where it is one of
    those that can be had so."""

    product: Product
    command: Command
    dataset: str | None = None


@dataclass(frozen=True)
class Rule:
    """One rule: it makes what it has a name for. With several names it has a wildcard ``name``.

    ``wildcards`` in what follows are those of a job, ``scale`` and perhaps ``name``.
    """

    configured: Outputs
    makers: Mapping[str, Maker]
    drawn: bool

    @property
    def command(self) -> Command:
        """What its commands have in common."""
        return self._first.command

    @property
    def category(self) -> str:
        """Where the report has its outputs."""
        return self._first.product.category

    @property
    def outputs(self) -> dict[str, str]:
        """The patterns of its outputs, by option."""
        return {option: self._pattern(path) for option, path in self.command.outputs.items()}

    @property
    def checkout_files(self) -> dict[str, str]:
        """The files of the checkout that it reads, by option."""
        return {**self.command.given, **self.command.unasked}

    @property
    def log(self) -> str:
        """The pattern of its log, without suffix."""
        return self._pattern(f"logs/{self.command.log or self.command.rule}")

    @property
    def constraints(self) -> dict[str, str]:
        """What its wildcards may be."""
        return {"name": "|".join(self.makers)} if len(self.makers) > 1 else {}

    def is_reported(self, option: str) -> bool:
        """Whether the report has an output."""
        pictured = PurePosixPath(self.command.outputs[option]).suffix != ".csv"
        return self.drawn and (pictured or option in self._first.product.reported)

    def product(self, wildcards: Wildcards) -> str:
        """The name of the product that a job makes, or makes something for."""
        return self._maker(wildcards).product.name

    def code(self, wildcards: Wildcards) -> str:
        """The hash of the code that a job runs."""
        return code_hash(*self._maker(wildcards).command.code)

    def read(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """The files that a job reads, by option, but for those of the checkout.

        Raises:
            ConfigError: the configuration names nothing to make it of.
            UnavailableError: nothing of what it names can be had.
        """
        outputs, command = self._outputs(wildcards), self._maker(wildcards).command
        folder, cache = FOLDER.format(scale=outputs.scale), outputs.settings["cache_dir"]
        found = {}
        for option, needs in command.inputs.items():
            files = listed(needs(outputs) if callable(needs) else needs)
            found[option] = [f"{folder}/{file}" for file in dict.fromkeys(files)]
        for option, datasets in command.records.items():
            found[option] = [f"{cache}/{dataset}.json" for dataset in datasets(outputs)]
        return found

    def words(
        self,
        wildcards: Wildcards,
        input: Mapping[str, Any],
        output: Mapping[str, str],
        threads: int,
    ) -> str:
        """What a job tells ``aevb``, quoted for a shell."""
        # Where its inputs have to wait for data, so have the words: ``input`` has none of them yet.
        self.read(wildcards)
        outputs, command = self._outputs(wildcards), self._maker(wildcards).command
        note = f"scale {outputs.scale}, variant {outputs.settings['variant']}"
        return shlex.join(command.told(outputs, input, output, note, threads))

    def labels(self, option: str) -> Callable[[Wildcards], dict[str, str]]:
        """What the report calls an output of a job."""

        def labelled(wildcards: Wildcards) -> dict[str, str]:
            maker = self._maker(wildcards)
            one, outputs = maker.product, self.configured
            named = [maker.dataset] if maker.dataset else []
            if one.content and not named:
                named = outputs.named(one.content)
            form = _FORMS[PurePosixPath(self.command.outputs[option]).suffix]
            return {
                "figure": one.heading,
                "data set": ", ".join(outputs.definitions[name]["label"] for name in named),
                "algorithm": one.algorithm,
                "N_z": _sizes(one.latent_dim, outputs, named),
                "format": f"{form}, {option}" if option in one.reported[1:] else form,
            }

        return labelled

    @property
    def _first(self) -> Maker:
        return next(iter(self.makers.values()))

    def _maker(self, wildcards: Wildcards) -> Maker:
        return self.makers[wildcards.get("name", next(iter(self.makers)))]

    def _outputs(self, wildcards: Wildcards) -> Outputs:
        outputs = self.configured._replace(scale=wildcards["scale"])
        only = self._maker(wildcards).dataset
        return outputs if only is None else outputs._replace(has=lambda dataset: dataset == only)

    def _pattern(self, path: str) -> str:
        if len(self.makers) > 1:
            path = path.replace(next(iter(self.makers)), "{name}")
        return f"{FOLDER}/{path}"


def rules(outputs: Outputs) -> list[Rule]:
    """A rule for each command of the catalogue, the computing ones first."""
    computing = {one.computed.rule: one for one in PRODUCTS if one.computed}
    found = [
        Rule(outputs, {one.name: Maker(one, one.computed)}, drawn=False)
        for one in computing.values()
    ]
    drawing: dict[str, dict[str, Maker]] = {}
    for one in PRODUCTS:
        makers = drawing.setdefault(one.drawn.rule, {})
        makers[one.name] = Maker(one, one.drawn)
        for dataset in outputs.named(one.content) if one.a_dataset_each else ():
            makers[f"{one.name}_{dataset}"] = Maker(one, one.drawn, dataset)
    return found + [Rule(outputs, makers, drawn=True) for makers in drawing.values()]


def _sizes(latent_dim: str, outputs: Outputs, datasets: list[str]) -> str:
    """The sizes of the latent space at a place of the configuration, or what stands for them."""
    try:
        content = outputs.content(latent_dim)
    except KeyError:
        return latent_dim
    values = [content[d] for d in datasets] if isinstance(content, dict) else [content]
    return ", ".join(map(str, sorted({n for value in values for n in listed(value)})))
