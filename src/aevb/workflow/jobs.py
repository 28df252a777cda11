"""What jobs of the workflow are told of experiments, estimators and data, by the wildcards of their
files."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aevb import settings as configuration
from aevb.errors import ConfigError
from aevb.likelihood.methods.base import Method
from aevb.likelihood.methods.quadrature import TRUTH
from aevb.likelihood.methods.registry import read_methods
from aevb.provenance import code_hash
from aevb.settings.experiment import Experiment
from aevb.workflow.outputs import Outputs

Wildcards = Mapping[str, str]

PROTOCOL_RUN = "{stage}/{dataset}/{algorithm}/latent_dim_{latent_dim}/{setting}"
"""The name of a run of the protocol study."""


class Jobs(NamedTuple):
    """The jobs of a configuration. All settings are JSON."""

    outputs: Outputs

    def training(self, wildcards: Wildcards) -> str:
        """The experiment of a training run, of Figure 3 where there is an ``n_train``."""
        return self._trained(wildcards).to_json()

    def long_training(self, wildcards: Wildcards) -> str:
        """The experiment of a run of Figure 2 that goes further along its axis.

        Raises:
            ConfigError: the scale has none.
        """
        outputs = self.outputs._replace(scale=wildcards["scale"])
        return outputs.longer(self._trained(wildcards)).to_json()

    def selection(self, wildcards: Wildcards) -> list[str]:
        """The experiments on which the step size is selected: Figure 2's panels of the data set, as
        many as the scale asks for; of Figure 3 its own, with that training set.

        Raises:
            ConfigError: Figure 2 has no panels of the data set.
        """
        figures, dataset = self.outputs.settings["figures"], wildcards["dataset"]
        if wildcards.get("n_train"):
            latent_dims = [figures["fig3"]["latent_dim"]]
        elif dataset in figures["fig2"]["latent_dims"]:
            panels = self.outputs.settings["scales"][wildcards["scale"]]["selection_panels"]
            latent_dims = figures["fig2"]["latent_dims"][dataset][:panels]
        else:
            raise ConfigError(
                f"{dataset} has no entry in figures.fig2.latent_dims, on which its step size would"
                " be selected"
            )
        return [
            self._experiment(wildcards, latent_dim, wildcards["algorithm"])
            .for_selection()
            .to_json()
            for latent_dim in latent_dims
        ]

    def protocol_run(self, wildcards: Wildcards) -> str:
        """The experiment of a run of the protocol study.

        Raises:
            ConfigError: the study has none of this name, or is none.
        """
        outputs = self.outputs._replace(scale=wildcards["scale"])
        return outputs.protocol_run(PROTOCOL_RUN.format_map(wildcards)).to_json()

    def likelihood_estimators(self, wildcards: Wildcards) -> str:
        """Settings of the estimators that Figure 3 shows, and of the bound beside them.

        Raises:
            ConfigError: one cannot be taken with so many dimensions.
        """
        names = [*self.outputs.content("fig3.estimators"), self.outputs.content("fig3.bound")]
        wanted = dict.fromkeys(name for name in names if name is not None)
        latent_dim = int(wildcards["latent_dim"])
        return json.dumps(
            configuration.estimator_settings(self.outputs.settings, wanted, latent_dim)
        )

    def truth_estimators(self, wildcards: Wildcards) -> str:
        """Settings of the estimators that are compared with the truth."""
        settings = self.outputs.settings
        wanted = settings["scales"][wildcards["scale"]]["truth"]["estimators"]
        return json.dumps({name: settings["estimators"][name] for name in wanted})

    def network_truth_estimators(self, wildcards: Wildcards) -> str:
        """The same for a network, of which the truth is quadrature's.

        Raises:
            ConfigError: it has too many dimensions for that.
        """
        latent_dim = int(wildcards["latent_dim"])
        if not TRUTH.applies(latent_dim, has_encoder=True):
            raise ConfigError(
                f"latent_dim: {latent_dim} is too large for {TRUTH.method}, which the estimators"
                f" are compared with: at most {TRUTH.max_latent_dim}"
            )
        return self.truth_estimators(wildcards)

    def likelihood_code(self, wildcards: Wildcards) -> str:
        """Hash of the code that Figure 3's estimates are made by.

        Raises:
            ConfigError: as :meth:`likelihood_estimators`.
        """
        estimators = self.likelihood_estimators(wildcards)
        return _code("aevb.stages.along_training", estimators)

    def truth_code(self, wildcards: Wildcards) -> str:
        """Hash of the code that the estimators are compared by."""
        return _code("aevb.stages.truth_table", self.truth_estimators(wildcards), TRUTH)

    def truth_network(self, wildcards: Wildcards) -> str:
        """The experiment whose network, before training, the estimators are compared on; of its
        data set alone where they are compared on probabilistic PCA."""
        hidden_units = wildcards.get("hidden_units", self.outputs.content("fig3.hidden_units"))
        return configuration.experiment(
            self.outputs.settings,
            self.outputs.definitions,
            dataset=wildcards["dataset"],
            latent_dim=int(wildcards["latent_dim"]),
            algorithm="aevb",
            n_train=max(self.outputs.content("fig3.n_train")),
            hidden_units=int(hidden_units),
        ).to_json()

    def study(self, wildcards: Wildcards) -> list[str]:
        """The experiments of a study of section 2, of the data sets that can be had."""
        return [one.to_json() for one in self._study(wildcards)]

    def study_datasets(self, wildcards: Wildcards) -> list[str]:
        """Their data sets."""
        return list(dict.fromkeys(one.dataset for one in self._study(wildcards)))

    def study_records(self, wildcards: Wildcards) -> list[str]:
        """The records of these."""
        cache = self.outputs.settings["cache_dir"]
        return [f"{cache}/{dataset}.json" for dataset in self.study_datasets(wildcards)]

    def full_vb(self, wildcards: Wildcards) -> str:
        """Full VB on Figure 3's network with section 2's budget."""
        return self._section2(wildcards, "full_vb")

    def full_vb_map(self, wildcards: Wildcards) -> str:
        """AEVB beside it, whose parameters are MAP's."""
        return self._section2(wildcards, "aevb")

    def definition(self, wildcards: Wildcards) -> str:
        """What a data set is, and where it comes from."""
        return json.dumps(self.outputs.definitions[wildcards["dataset"]], sort_keys=True)

    def configuration(self, wildcards: Wildcards) -> str:
        """The checked configuration, as it decides numbers."""
        settings = {k: v for k, v in self.outputs.settings.items() if k != "checkpoint_seconds"}
        return json.dumps(settings, sort_keys=True)

    def check_scale(self, wildcards: Wildcards) -> None:
        """Whether a record of this scale can be made.

        Raises:
            ConfigError: it is not the configured one, of which alone all files are known.
        """
        scale = wildcards["scale"]
        if scale != self.outputs.scale:
            raise ConfigError(f"the manifest and the audit of {scale} need --config scale={scale}")

    def _trained(self, wildcards: Wildcards) -> Experiment:
        latent_dim, algorithm = int(wildcards["latent_dim"]), wildcards["algorithm"]
        return self._experiment(wildcards, latent_dim, algorithm)

    def _experiment(self, wildcards: Wildcards, latent_dim: int, algorithm: str) -> Experiment:
        n_train, hidden_units = (wildcards.get(key) for key in ("n_train", "hidden_units"))
        return configuration.experiment(
            self.outputs.settings,
            self.outputs.definitions,
            dataset=wildcards["dataset"],
            latent_dim=latent_dim,
            algorithm=algorithm,
            variant=wildcards["variant"],
            scale=wildcards["scale"],
            n_train=n_train and int(n_train),
            hidden_units=hidden_units and int(hidden_units),
        )

    def _study(self, wildcards: Wildcards) -> list[Experiment]:
        found = self.outputs._replace(scale=wildcards["scale"]).study(wildcards["study"])
        if not found:
            self.outputs.shown("section2.dataset")
        return found

    def _section2(self, wildcards: Wildcards, algorithm: str) -> str:
        one = self._experiment(wildcards, int(wildcards["latent_dim"]), algorithm)
        budget = self.outputs.settings["scales"][wildcards["scale"]]["section2"]
        return one.with_budget(budget["full_vb_samples"]).to_json()


def _code(module: str, estimators: str, *others: Method) -> str:
    """Hash of a module's code and of that of the estimators, whose modules it knows by name."""
    methods = [*read_methods(json.loads(estimators)).values(), *others]
    return code_hash(module, *(one.code() for one in methods))


def exports(settings: Mapping, source: Path) -> str:
    """Lines of a shell that tell jobs what changes no result, and so is no parameter: where the
    package is (it may not be installed, as in ``--sdm conda``), where checkpoints, compiled
    programs and local files lie, what computes.

    Args:
        settings: the checked configuration.
        source: the folder that holds the package.
    """
    variables = {
        "AEVB_CHECKPOINTS": settings["checkpoint_dir"],
        "AEVB_COMPILED": Path(settings["checkpoint_dir"], "compiled"),
        "AEVB_CHECKPOINT_SECONDS": settings["checkpoint_seconds"],
        "AEVB_REQUIRE_ALL_DATA": int(settings["require_all_data"]),
        "AEVB_BACKEND": configuration.execution(settings),
        **({"AEVB_DATA_DIR": settings["data_dir"]} if settings["data_dir"] else {}),
    }
    told = [f"export {name}={shlex.quote(str(value))}; " for name, value in variables.items()]
    path = f'export PYTHONPATH={shlex.quote(str(source))}"${{PYTHONPATH:+:$PYTHONPATH}}"; '
    return "".join(told) + path
