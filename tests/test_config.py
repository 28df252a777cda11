"""The configuration: defaults, overrides, and one clear line for each wrong input."""

import json
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import get_args

import jsonschema
import pytest
import tensorflow as tf
import yaml

from aevb import settings as configuration
from aevb.algorithms.settings import ALGORITHMS, Family
from aevb.arrays import named, named_arrays
from aevb.documentation import MODELS, configuration_page, schema_files
from aevb.errors import ConfigError
from aevb.likelihood.methods.registry import METHODS, read_method
from aevb.models import posteriors
from aevb.models.registry import ARCHITECTURES
from aevb.schema.explain import options, resolve
from aevb.schema.writing import json_schema
from aevb.settings import Configuration, Experiment, experiment, load, read_yaml
from aevb.settings.budgets import Comparisons, FutureWork
from aevb.training.assembly import architecture
from configuration import CONFIG, DATASETS, MINIMAL

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "workflow" / "schemas"
METHOD_NAMES = [kind().method for kind in METHODS]


def checked(**changes) -> dict:
    return load(deepcopy(MINIMAL) | changes, DATASETS)[0]


def settings(
    dataset="mnist", algorithm="aevb", latent_dim=3, n_train=None, units=None, **changes
) -> Experiment:
    config, definitions = load(deepcopy(MINIMAL) | changes, DATASETS)
    return experiment(
        config,
        definitions,
        dataset=dataset,
        latent_dim=latent_dim,
        algorithm=algorithm,
        n_train=n_train,
        hidden_units=units,
    )


def n_train_of(algorithm: str) -> int | None:
    """Monte Carlo EM alone needs one."""
    return 1000 if algorithm == "mcem" else None


def test_defaults_are_filled_in():
    """What a configuration leaves out is filled in, in nested tables too, and not shared."""
    config = checked()
    assert config["cache_dir"] == "data"
    assert config["data_dir"] is None
    assert config["require_all_data"] is False
    assert config["step_sizes"] == [0.01, 0.02, 0.1]
    assert config["hidden_units"] == {"mnist": 500, "frey_face": 200, "default": 500}
    assert config["scales"]["short"] == {
        "training_samples": 1000,
        "selection_samples": None,
        "selection_seeds": None,
        "selection_panels": None,
        "test_images": None,
        "long_run": None,
        "fig3": {
            "training_samples": {"aevb": 10**6, "wake_sleep": 10**6, "mcem": 10**6},
            "selection_samples": {"aevb": 100_000, "wake_sleep": 100_000, "mcem": 300_000},
            "points": 1000,
            "seeds": None,
        },
        "truth": {
            "points": 100,
            "latent_dims": [2, 3, 5, 10, 20],
            "algorithms": ["aevb", "wake_sleep", "mcem"],
            "estimators": ["paper", "quadrature"],
        },
        "applications": {
            "points": 100,
            "probe_images": 10_000,
            "hmc": {
                "samples": 100,
                "chains": 4,
                "burn_in": 100,
                "annealing": 8,
                "leapfrog_steps": 5,
            },
            "ais": {"chains": 16, "steps": 512, "segments": 16, "leapfrog_steps": 2},
        },
        "section2": {
            "training_samples": 100_000,
            "draws": [1, 4, 16],
            "minibatches": [10, 100, 1000],
            "posteriors": ["gaussian", "laplace", "logistic", "student_t", "uniform", "triangular"],
            "panels": {},
            "replicates": 50,
            "gradient_draws": [1, 4, 16, 64],
            "gradient_minibatches": [1, 10, 100, 1000],
            "kl_draws": 20_000,
            "reparameterisation_draws": 20_000,
            "full_vb_samples": 10**6,
            "points": 500,
            "weight_draws": 10,
            "seeds": None,
        },
        "comparisons": Comparisons().model_dump(),
        "future_work": FutureWork().model_dump(),
        "seeds": [0],
    }
    assert config["variants"]["authors"]["batch_size"] == 100
    assert config["variants"]["authors"]["weight_prior"] == "all"
    assert config["figures"]["fig2"]["algorithms"] == ["aevb", "wake_sleep"]
    assert config["figures"]["fig3"] == {
        "dataset": "mnist",
        "latent_dim": 3,
        "hidden_units": 100,
        "n_train": [1000, 50_000],
        "algorithms": ["aevb", "wake_sleep", "mcem"],
        "estimators": ["paper", "quadrature"],
        "bound": None,
    }
    assert config["figures"]["estimators"] == {"dataset": "mnist"}
    assert config["monte_carlo_em"] == {
        "leapfrog_steps": 10,
        "weight_updates": 5,
        "target_acceptance": 0.9,
        "initial_hmc_step_size": 0.01,
    }
    config["step_sizes"].append(1)
    config["scales"]["short"]["truth"]["estimators"].append("ais")
    assert checked()["step_sizes"] == [0.01, 0.02, 0.1]
    assert checked()["scales"]["short"]["truth"]["estimators"] == ["paper", "quadrature"]


def test_order_of_an_estimators_settings_does_not_matter():
    """Estimators keep their order, and their settings get one, whatever that of the file is."""
    given = {"density": "full", "samples": 8, "method": "harmonic", "chains": 2}
    several = {"z": given, "a": {"method": "ais"}, "quadrature": {"method": "quadrature"}}
    turned = several | {"z": dict(reversed(given.items()))}
    changes = figures(fig3={"estimators": ["z"]})
    changes["scales"] = {"short": {"training_samples": 1, "truth": {"estimators": ["a", "z"]}}}
    found = [checked(estimators=table, **changes)["estimators"] for table in (several, turned)]
    assert json.dumps(found[0]) == json.dumps(found[1])
    assert list(found[0]) == ["z", "a", "quadrature"]
    assert list(found[0]["z"]) == ["method", "samples", "chains", "density"]


def test_settings_of_an_estimator_have_no_default():
    """What is left out of an estimator stays out, so that the method's own default holds."""
    assert checked()["estimators"] == MINIMAL["estimators"]


def test_given_values_are_kept():
    """A default never replaces a value that is given, and the caller's table is left alone."""
    given = deepcopy(MINIMAL) | {"cache_dir": "elsewhere", "step_sizes": [0.5]}
    before = deepcopy(given)
    config, _ = load(given, DATASETS)
    assert (config["cache_dir"], config["step_sizes"]) == ("elsewhere", [0.5])
    assert given == before


def test_repository_configuration_is_valid():
    """The configuration that is shipped passes, and every scale and variant gives settings of
    both figures; every estimator of it has settings."""
    config, definitions = load(CONFIG, DATASETS)
    fig3 = config["figures"]["fig3"]
    for estimator in config["estimators"].values():
        read_method(estimator)
    for scale in config["scales"]:
        for variant in config["variants"]:
            for dataset, latent_dims in config["figures"]["fig2"]["latent_dims"].items():
                made = experiment(
                    config,
                    definitions,
                    dataset=dataset,
                    latent_dim=latent_dims[0],
                    algorithm="aevb",
                    scale=scale,
                    variant=variant,
                )
                assert made.variant == variant
                assert isinstance(made.training_samples, int)
                assert (made.n_train, made.snapshots) == (None, False)
            for n_train in fig3["n_train"]:
                for algorithm in fig3["algorithms"]:
                    made = experiment(
                        config,
                        definitions,
                        dataset=fig3["dataset"],
                        latent_dim=fig3["latent_dim"],
                        algorithm=algorithm,
                        scale=scale,
                        variant=variant,
                        n_train=n_train,
                        hidden_units=fig3["hidden_units"],
                    )
                    assert (made.n_train, made.hidden_units) == (n_train, fig3["hidden_units"])
                    wanted = config["scales"][scale]["fig3"]["training_samples"][algorithm]
                    assert made.training_samples == wanted
                    assert isinstance(made.training_samples, int)
                    assert made.snapshots


def test_numbers_that_yaml_reads_as_text():
    """1e6, which YAML 1.1 takes for text, becomes the number, an integer where it is whole."""
    text = "{training_samples: 1e6, step_sizes: [1e-2, .5, '2'], seeds: [1e1]}"
    read = yaml.safe_load(text)
    assert read["training_samples"] == "1e6"
    config = checked(**read)
    assert config["training_samples"] == 1_000_000
    assert isinstance(config["training_samples"], int)
    assert config["step_sizes"] == [0.01, 0.5, 2]
    assert config["seeds"] == [10]
    assert isinstance(config["seeds"][0], int)


def test_values_for_each_dataset():
    """A table by data set gives each its own value, and `default` to the others."""
    changes = {
        "hidden_units": {"frey_face": 7, "default": 9},
        "scales": {"short": {"training_samples": {"mnist": 100, "frey_face": 200}}},
        "variants": {"authors": {"batch_size": {"frey_face": 50, "default": 10}}},
    }
    mnist, frey = settings(**changes), settings("frey_face", **changes)
    assert (mnist.hidden_units, frey.hidden_units) == (9, 7)
    assert (mnist.training_samples, frey.training_samples) == (100, 200)
    assert (mnist.batch_size, frey.batch_size) == (10, 50)


def test_budgets_for_each_algorithm_of_figure_2():
    """Of a data set, or of the others; full VB has AEVB's. What is wrong with one is said where."""
    each = {"aevb": 300, "wake_sleep": 200}
    for table in ({"mnist": 100, "frey_face": each}, {"mnist": 100, "default": each}):
        changes = {"scales": {"short": {"training_samples": table}}}
        found = [
            settings(dataset, algorithm, **changes).training_samples
            for dataset in ("mnist", "frey_face")
            for algorithm in ("aevb", "wake_sleep")
        ]
        assert found == [100, 100, 300, 200]
        assert settings("frey_face", "full_vb", **changes).training_samples == 300
    for told, wrong in {
        "frey_face: 'wake_sleep' is required": {"aevb": 1},
        "unknown key 'mcem'; allowed: aevb, wake_sleep": each | {"mcem": 1},
        "frey_face.aevb: 0 must be at least 1": each | {"aevb": 0},
    }.items():
        with pytest.raises(ConfigError, match=told):
            checked(scales={"short": {"training_samples": {"frey_face": wrong, "default": 1}}})


def test_dataset_without_a_value():
    """A table without the data set and without `default` is an error that names both."""
    with pytest.raises(ConfigError, match=r"hidden_units.*frey_face.*default"):
        settings("frey_face", hidden_units={"mnist": 5})


def test_overrides_of_budget_and_seeds():
    """training_samples and seeds take the place of the scale's own; null leaves these."""
    assert settings().training_samples == 1000
    assert settings().seeds == (0,)
    changed = settings(training_samples=5000, seeds=[3, 4])
    assert (changed.training_samples, changed.seeds) == (5000, (3, 4))
    assert settings("frey_face", training_samples={"mnist": 1, "default": 2}).training_samples == 2
    assert settings(training_samples=None, seeds=None) == settings()
    assert settings(seeds=[0, 1]) == replace(settings(), seeds=(0, 1))


def test_selection_does_not_depend_on_the_budget():
    """Another budget or more seeds leave the settings of the step-size selection as they are."""
    reference = settings().for_selection()
    assert settings(training_samples=123456, seeds=[0, 1, 2]).for_selection() == reference
    assert settings(step_sizes=[0.3]).for_selection() != reference


def test_selection_of_monte_carlo_em_takes_at_most_1000_images():
    """A step of Monte Carlo EM takes the whole training set, so its selection takes 1000 images of
    a larger one and all of a smaller one; no selection keeps snapshots."""
    sizes = {n: settings(algorithm="mcem", n_train=n).for_selection().n_train for n in (30, 50_000)}
    assert sizes == {30: 30, 50_000: 1000}
    for algorithm in ("aevb", "wake_sleep"):
        selected = settings(algorithm=algorithm, n_train=50_000).for_selection()
        assert (selected.n_train, selected.snapshots) == (50_000, False)
    assert settings().for_selection().n_train is None
    changes = {"fig3": {"selection_samples": {"aevb": 70, "wake_sleep": 80, "mcem": 90}}}
    scales = {"short": {"training_samples": 1000} | changes}
    selected = settings(algorithm="mcem", n_train=1000, scales=scales).for_selection()
    assert selected.training_samples == 90


def test_experiment_of_figure_3():
    """n_train makes it one of Figure 3: that figure's budget by algorithm, snapshots, and its own
    hidden units; an override of the budget holds for it as well."""
    samples = {"aevb": 50, "wake_sleep": 60, "mcem": 70}
    scales = {"short": {"training_samples": 1000, "fig3": {"training_samples": samples}}}
    for algorithm, wanted in samples.items():
        made = settings(algorithm=algorithm, n_train=20, units=7, scales=scales, seeds=[2, 3])
        assert (made.training_samples, made.hidden_units, made.n_train) == (wanted, 7, 20)
        assert made.snapshots
        assert made.seeds == (2, 3)
        assert "N=20" in made.name
    assert settings(n_train=20, scales=scales, training_samples=9).training_samples == 9
    assert settings(scales=scales).training_samples == 1000


def test_warm_up_for_each_algorithm():
    """A table of warm-up minibatches gives each algorithm its own, and full VB that of AEVB."""
    warmup = {"aevb": 1, "wake_sleep": 2, "mcem": 3}
    found = {
        algorithm: settings(
            algorithm=algorithm,
            n_train=n_train_of(algorithm),
            variants={"authors": {"warmup_minibatches": warmup}},
        ).warmup_minibatches
        for algorithm in configuration.ALGORITHMS
    }
    assert found == {name: warmup[kind.like or name] for name, kind in ALGORITHMS.items()}
    assert found["full_vb"] == found["aevb"]


def test_the_family_of_the_posterior_is_aevbs():
    """`posterior: laplace` reaches AEVB; wake-sleep and full VB keep the Gaussian."""
    found = {
        algorithm: settings(
            algorithm=algorithm, n_train=n_train_of(algorithm), posterior="laplace"
        ).posterior
        for algorithm in configuration.ALGORITHMS
    }
    assert found.pop("aevb") == "laplace" and set(found.values()) == {"gaussian"}
    with pytest.raises(ConfigError, match="posterior: 'cauchy' is unknown; allowed: gaussian"):
        checked(posterior="cauchy")


def test_settings_of_monte_carlo_em_reach_the_experiment():
    """monte_carlo_em is part of what decides the numbers."""
    changed = settings(algorithm="mcem", n_train=10, monte_carlo_em={"leapfrog_steps": 3})
    assert changed.settings.leapfrog_steps == 3
    assert changed.settings.weight_updates == 5
    assert changed != settings(algorithm="mcem", n_train=10)


def test_every_algorithm_has_settings():
    """And no class takes a setting that it, or its network, does not know."""
    for kind in ALGORITHMS.values():
        known = {one.name for one in fields(resolve_name(kind.implementation))}
        assert {one.name for one in fields(kind)} <= known | {"posterior"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_can_be_made(name):
    """It says which of its parameters are weight matrices, and makes them in the shapes it says."""
    network = architecture(replace(settings(), architecture=name, hidden_units=3))
    shapes = named(network.shapes())
    assert named(network.weight_matrices()).keys() == shapes.keys()
    parameters = named_arrays(network.init(tf.constant([0, 1])))
    assert {path: array.shape for path, array in parameters.items()} == {
        path: (2, *shape) for path, shape in shapes.items()
    }


def test_families_of_the_posterior_are_those_that_there_are():
    """What may be configured is what can be computed."""
    assert set(get_args(Family)) == set(posteriors.KINDS)


def test_wake_sleep_alone_gets_the_factor():
    """The factor of wake-sleep's encoder does not reach AEVB."""
    variants = {"authors": {"wake_sleep_log_variance_factor": 0.1}}
    assert settings(algorithm="wake_sleep", variants=variants).log_variance_factor == 0.1
    assert settings(algorithm="aevb", variants=variants).log_variance_factor == 1.0
    variants = {"authors": {"aevb_log_variance_factor": 0.3}}
    assert settings(algorithm="aevb", variants=variants).log_variance_factor == 0.3
    full_vb = settings(algorithm="full_vb", n_train=10, variants=variants)
    assert full_vb.log_variance_factor == 0.3


@pytest.mark.parametrize(
    ("key", "each"),
    [
        ("weight_prior", {"aevb": "none", "wake_sleep": "but_first", "mcem": "all"}),
        ("zero_initial_log_variance", {"aevb": True, "wake_sleep": False, "mcem": False}),
        ("warmup_minibatches", {"aevb": 1, "wake_sleep": 2, "mcem": 3}),
    ],
)
def test_a_variant_may_tell_the_algorithms_apart(key, each):
    """One value is for all of them; full VB has AEVB's."""
    for algorithm in ALGORITHMS:
        made = settings(algorithm=algorithm, n_train=10, variants={"authors": {key: each}})
        assert getattr(made, key) == each[ALGORITHMS[algorithm].like or algorithm]


def test_a_variant_has_networks_and_a_reading_of_the_selection():
    """Networks of the configuration come first, and a scale's selection; the variant's samples are
    at most the scale's training samples, whatever budget a person asks for, and not Figure 3's."""
    networks = {"frey_face": "deep_decoder", "default": "mlp"}
    reading = {"architecture": networks, "selection": {"samples": 10**6, "seeds": 3}}
    wanted = {"variants": {"authors": reading}}
    assert settings("frey_face", **wanted).architecture == "deep_decoder"
    assert settings("mnist", **wanted).architecture == "mlp"
    assert settings("frey_face", architecture="mlp", **wanted).architecture == "mlp"
    scale = {"training_samples": {"mnist": 500_000, "default": 2_000_000}}
    wanted["scales"] = {"short": scale}
    assert settings(**wanted).selection_samples == 500_000
    assert settings("frey_face", **wanted).selection_samples == 10**6
    longer = settings(training_samples=5 * 10**6, **wanted)
    assert (longer.training_samples, longer.selection_samples) == (5 * 10**6, 500_000)
    assert settings(n_train=10, **wanted).selection_samples == 10**5
    assert settings(**wanted).selection_seeds == 3
    scale |= {"selection_samples": 200, "selection_seeds": 2}
    own = settings(**wanted)
    assert (own.selection_samples, own.selection_seeds) == (200, 2)


def test_the_default_variant_is_the_librarys_but_for_what_fits_the_curves():
    """It differs in what docs/protocol.md says of it, and in nothing else."""
    config, _ = load(CONFIG, DATASETS)
    authors, library = config["variants"][config["variant"]], config["variants"]["library"]
    changed = {key for key in authors if authors[key] != library[key]}
    assert changed == {"architecture", "selection"}
    made = settings("frey_face", variant="authors", variants={"authors": authors})
    assert made.architecture == "deep_decoder"
    assert (made.selection_window, made.selection_seeds) == ((0.5, 1.0), 3)


@pytest.mark.parametrize("window", [[0.5, 0.5], [0.8, 0.2], [-0.1, 1.0], [0.5, 1.5], [0.5]])
def test_a_window_of_the_selection_that_is_none_is_refused(window):
    with pytest.raises(ConfigError, match=r"variants\.authors\.selection\.window"):
        settings(variants={"authors": {"selection": {"window": window}}})


def test_binarisation_is_for_bernoulli_targets():
    """Dynamic binarisation reaches the Bernoulli data set and not the Gaussian one."""
    assert settings(binarisation="dynamic").binarisation == "dynamic"
    assert settings("frey_face", binarisation="dynamic").binarisation == "none"


def test_sources_are_not_part_of_the_settings():
    """Where data comes from is no part of an experiment; its hash, split and shape are."""
    definition = settings().definition
    assert not {"sources", "terms"} & definition.keys()
    assert {"split", "image_shape", "observation", "files"} <= definition.keys()
    assert definition["files"]["train-images-idx3-ubyte"]["sha256"]


def figures(**changes) -> dict:
    return {"figures": MINIMAL["figures"] | changes}


def estimators(**changes) -> dict:
    return {"estimators": MINIMAL["estimators"] | changes}


WRONG = {
    "sizes without images": ({"latent_dims": [3]}, ["latent_dims", "images of your own"]),
    "pixels without images": (
        {"observation": "gaussian"},
        ["observation", "name their file in `dataset`"],
    ),
    "unknown top-level key": ({"latentdims": 3}, ["'latentdims'", "allowed:", "step_sizes"]),
    "unknown nested key": (
        {"figures": {"fig2": {"latent_dims": {"mnist": [3]}, "colour": 1}}},
        ["figures.fig2", "'colour'", "allowed: algorithms, latent_dims"],
    ),
    "unknown key of a variant": (
        {"variants": {"authors": {"batchsize": 5}}},
        ["variants.authors", "'batchsize'", "allowed:", "batch_size"],
    ),
    "negative step size": (
        {"step_sizes": [0.01, -0.5]},
        ["step_sizes.1", "-0.5", "greater than 0"],
    ),
    "step size 0": ({"step_sizes": [0]}, ["step_sizes.0", "greater than 0"]),
    "no step size": ({"step_sizes": []}, ["step_sizes"]),
    "latent dimension 0": (
        {"figures": {"fig2": {"latent_dims": {"mnist": [3, 0]}}}},
        ["figures.fig2.latent_dims.mnist.1", "0", "at least 1"],
    ),
    "unknown data set": (
        {"figures": {"fig2": {"latent_dims": {"cifar": [3]}}}},
        ["figures.fig2.latent_dims", "'cifar'", "allowed: mnist, frey_face"],
    ),
    "unknown scale": ({"scale": "huge"}, ["scale", "'huge'", "allowed: short"]),
    "unknown variant": ({"variant": "mine"}, ["variant", "'mine'", "allowed: authors"]),
    "unknown algorithm": (
        {"figures": {"fig2": {"latent_dims": {"mnist": [3]}, "algorithms": ["vae"]}}},
        ["figures.fig2.algorithms.0", "'vae'", "allowed: aevb, wake_sleep"],
    ),
    "unknown binarisation": (
        {"binarisation": "static"},
        ["binarisation", "'static'", "allowed: none, dynamic"],
    ),
    "text for a truth value": (
        {"require_all_data": "perhaps"},
        ["require_all_data", "'perhaps'", "true or false"],
    ),
    "text for a number": (
        {"checkpoint_seconds": "often"},
        ["checkpoint_seconds", "'often'", "number"],
    ),
    "number for a list": (
        {"step_sizes": 0.01},
        ["step_sizes", "a list, each item a number", "write [0.01]"],
    ),
    "number for a list of sizes": (
        {"latent_dims": 5},
        ["latent_dims", "a list, each item a whole number (at least 1), or null; write [5]"],
    ),
    "one seed": (
        {"seeds": 0},
        ["seeds", "a list, each item a whole number (at least 0", "or null; write [0]"],
    ),
    "seed twice": ({"seeds": [3, 3]}, ["seeds", "3 is named more than once"]),
    "seed of a scale twice": (
        {"scales": {"short": {"training_samples": 1, "seeds": {"default": [1, "1"]}}}},
        ["scales.short.seeds", "1 is named more than once"],
    ),
    "budget with a unit": (
        {"training_samples": "1M"},
        ["training_samples", "'1M'", "a whole number (at least 1), or a table, each item"],
    ),
    "neither of two values": (
        {"variants": {"authors": {"pixel_divisor": 3}}},
        ["variants.authors.pixel_divisor", "3", "must be 255 or 256, or a table"],
    ),
    "seed with a fraction": ({"seeds": [0, 1.5]}, ["seeds", "1.5", "a whole number"]),
    "negative seed": ({"seeds": [-1]}, ["seeds", "-1", "at least 0"]),
    "budget 0": ({"training_samples": 0}, ["training_samples", "0", "at least 1"]),
    "budget as text": ({"training_samples": "lots"}, ["training_samples", "'lots'"]),
    "hidden units 0": (
        {"hidden_units": {"mnist": 0, "default": 5}},
        ["hidden_units.mnist", "0", "at least 1"],
    ),
    "scale without a budget": (
        {"scales": {"short": {}}},
        ["scales.short", "training_samples"],
    ),
    "Monte Carlo EM in Figure 2": (
        {"figures": {"fig2": {"latent_dims": {"mnist": [3]}, "algorithms": ["mcem"]}}},
        ["figures.fig2.algorithms.0", "'mcem'", "allowed: aevb, wake_sleep"],
    ),
    "unknown key of Figure 3": (
        figures(fig3={"points": 5}),
        ["figures.fig3", "'points'", "allowed:", "n_train"],
    ),
    "no training images": (
        figures(fig3={"n_train": [0]}),
        ["figures.fig3.n_train.0", "at least 1"],
    ),
    "unknown data set of Figure 3": (
        figures(fig3={"dataset": "cifar"}),
        ["figures.fig3.dataset", "'cifar'", "allowed: mnist, frey_face"],
    ),
    "unknown data set of the estimators' figure": (
        figures(estimators={"dataset": "cifar"}),
        ["figures.estimators.dataset", "'cifar'", "allowed: mnist, frey_face"],
    ),
    "data set of Figure 3 without a value": (
        {
            "hidden_units": {"frey_face": 5},
            "figures": {"fig2": {"latent_dims": {"frey_face": [2]}}},
        },
        ["hidden_units", "no entry for mnist", "`default`"],
    ),
    "unknown estimator of Figure 3": (
        figures(fig3={"estimators": ["paper", "guess"]}),
        ["figures.fig3.estimators", "'guess'", "allowed: paper, quadrature"],
    ),
    "quadrature in four dimensions": (
        figures(fig3={"latent_dim": 4}),
        ["figures.fig3.latent_dim", "4", "quadrature", "at most 3"],
    ),
    "more training images than there are": (
        figures(fig3={"n_train": [1000, 50_001]}),
        ["figures.fig3.n_train", "50001", "the 50000 training images of mnist"],
    ),
    "more images for full VB than there are": (
        figures(section2={"full_vb": [60_000]}),
        ["figures.section2.full_vb", "60000", "the 50000 training images of mnist"],
    ),
    "more latent dimensions than pixels": (
        {"figures": {"fig2": {"latent_dims": {"frey_face": [561]}}}},
        ["figures.fig2.latent_dims", "561", "the 560 pixels of an image of frey_face"],
    ),
    "probabilistic PCA without noise": (
        {"scales": {"short": {"training_samples": 1, "truth": {"latent_dims": [2, 784]}}}},
        ["scales.short.truth.latent_dims", "784", "probabilistic PCA", "784 pixels"],
    ),
    "too few samples for two halves": (
        estimators(mine={"method": "harmonic", "samples": 3}),
        ["estimators.mine", "two samples or more for each half of each chain", "samples=3"],
    ),
    "one chain to anneal": (
        estimators(mine={"method": "ais", "chains": 1}),
        ["estimators.mine.chains", "1 must be at least 2"],
    ),
    "steps of an estimator that segments do not divide": (
        estimators(mine={"method": "ais", "steps": 100}),
        ["estimators.mine", "100 steps are no multiple of 16 segments"],
    ),
    "unknown estimator of a scale": (
        {"scales": {"short": {"training_samples": 1, "truth": {"estimators": ["guess"]}}}},
        ["scales.short.truth.estimators", "'guess'", "allowed: paper, quadrature"],
    ),
    "points 0": (
        {"scales": {"short": {"training_samples": 1, "fig3": {"points": 0}}}},
        ["scales.short.fig3.points", "at least 1"],
    ),
    "budget of Figure 3 for one algorithm only": (
        {"scales": {"short": {"training_samples": 1, "fig3": {"training_samples": {"aevb": 5}}}}},
        ["scales.short.fig3.training_samples", "'wake_sleep'", "required"],
    ),
    "warm-up without Monte Carlo EM": (
        {"variants": {"authors": {"warmup_minibatches": {"aevb": 1, "wake_sleep": 1}}}},
        ["variants.authors.warmup_minibatches", "'mcem'"],
    ),
    "unknown method": (
        estimators(mine={"method": "guess"}),
        ["estimators.mine.method", "'guess'", f"allowed: {', '.join(METHOD_NAMES)}"],
    ),
    "estimator without a method": (
        estimators(mine={"samples": 5}),
        ["estimators.mine", "'method'", "required"],
    ),
    "setting of no method": (
        estimators(mine={"method": "ais", "temperature": 5}),
        ["estimators.mine", "'temperature'", "allowed:", "leapfrog_steps"],
    ),
    "setting of another method": (
        estimators(mine={"method": "quadrature", "samples": 5}),
        ["estimators.mine", "'samples'", "allowed: tolerance"],
    ),
    "importance sampling with chains": (
        estimators(mine={"method": "importance", "samples": 5, "chains": 2}),
        ["estimators.mine", "'chains'", "allowed: samples"],
    ),
    "unknown density": (
        estimators(mine={"method": "harmonic", "density": "flat"}),
        ["estimators.mine.density", "'flat'", "allowed: kernel, diagonal, full"],
    ),
    "acceptance of 1": (
        estimators(mine={"method": "ais", "target_acceptance": 1}),
        ["estimators.mine.target_acceptance", "1", "less than 1"],
    ),
    "R-hat below 1": (
        estimators(mine={"method": "harmonic", "max_rhat": 0.9}),
        ["estimators.mine.max_rhat", "0.9", "greater than 1"],
    ),
    "name of an estimator": (
        estimators(**{"My own": {"method": "ais"}}),
        ["estimators", "'My own'"],
    ),
}


def figures_with(**figures) -> dict:
    return {"figures": {"fig2": {"latent_dims": {"mnist": [3]}}, **figures}}


def applications_with(**settings) -> dict:
    return figures_with(applications=settings)


WRONG |= {
    "figure 4 of an unknown data set": (
        figures_with(fig4={"rows": {"cifar": 10}}),
        ["figures.fig4.rows", "'cifar'", "allowed: mnist, frey_face"],
    ),
    "a data set without a step size": (
        figures_with(fig5={"latent_dims": {"frey_face": [2]}}),
        ["figures.fig5.latent_dims", "frey_face", "figures.fig2.latent_dims"],
    ),
    "nothing to project into": (
        figures_with(projection={"latent_dims": {"mnist": [3, 5]}}),
        ["figures.projection.latent_dims", "no data set has a 2"],
    ),
    "an explorer without a projection": (
        figures_with(explorer={"datasets": ["mnist"]}),
        ["figures.explorer.datasets", "no 2 for mnist"],
    ),
    "anomalies of a data set without a model": (
        applications_with(anomaly="mnist"),
        ["figures.applications.anomaly", "'mnist' is unknown"],
    ),
    "an unknown foreign data set": (
        applications_with(foreign="cifar"),
        ["figures.applications.foreign", "'cifar'"],
    ),
    "blocks that do not divide the images": (
        applications_with(latent_dims={"mnist": 2}, factor=5),
        ["figures.applications.factor", "5 × 5", "mnist, 28 × 28"],
    ),
    "two data sets for one probe": (
        applications_with(representation={"mnist": [2], "frey_face": [2]}),
        ["figures.applications.representation"],
    ),
    "a probe of a data set without labels": (
        {
            "figures": {
                "fig2": {"latent_dims": {"mnist": [3], "frey_face": [2]}},
                "applications": {"representation": {"frey_face": [2]}},
            }
        },
        ["figures.applications.representation", "frey_face has no labels"],
    ),
    "too many flipped bits": (
        applications_with(bit_flips=0.5),
        ["figures.applications.bit_flips", "less than 0.5"],
    ),
    "steps that segments do not divide": (
        {"scales": {"short": {"training_samples": 1000, "applications": {"ais": {"steps": 100}}}}},
        ["scales.short.applications.ais", "100 steps", "16 segments"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case):
    """A wrong input gives one line that names the key, what was given and what is allowed."""
    changes, wanted = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        checked(**changes)
    text = str(caught.value)
    assert "\n" not in text
    for part in ["config: ", *wanted]:
        assert part in text, text


@pytest.mark.parametrize("key", ["scales", "variants", "figures", "estimators"])
def test_missing_table(key):
    """A configuration that lacks a required table is refused with a line that names it."""
    given = {name: value for name, value in MINIMAL.items() if name != key}
    with pytest.raises(ConfigError, match=key):
        load(given, DATASETS)


@pytest.mark.parametrize("content", ["a: [1", "\t- x", "a: b: c"])
def test_file_that_is_no_yaml(tmp_path, content):
    """A broken YAML file gives one line that names file and line."""
    path = tmp_path / "config.yaml"
    path.write_text(f"scale: quick\n{content}\n")
    with pytest.raises(ConfigError, match="is not valid YAML") as caught:
        load(path, DATASETS)
    assert f"{path}: line " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    """A missing configuration file is named."""
    with pytest.raises(ConfigError, match=r"no\.yaml: there is no such file"):
        load(tmp_path / "no.yaml", DATASETS)


@pytest.mark.parametrize("content", ["", "[]", "just text", "3"])
def test_file_that_is_no_table(tmp_path, content):
    """A configuration file that is empty or holds no table gives an error, not a crash."""
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load(path, DATASETS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"dataset": "cifar"}, ["dataset", "'cifar'", "mnist, frey_face"]),
        ({"algorithm": "vae"}, ["algorithm", "'vae'", "aevb, wake_sleep, mcem"]),
        ({"algorithm": "mcem"}, ["mcem", "n_train", "Figure 3"]),
        ({"latent_dim": 0}, ["latent_dim", "0", "minimum of 1"]),
        ({"n_train": 0}, ["n_train", "0", "minimum of 1"]),
        ({"n_train": 50_001}, ["n_train", "50001", "the 50000 training images of mnist"]),
        ({"latent_dim": 785}, ["latent_dim", "785", "the 784 pixels of an image of mnist"]),
        ({"algorithm": "mcem", "n_train": 0}, ["n_train", "0", "minimum of 1"]),
        ({"hidden_units": 0}, ["hidden_units", "0", "minimum of 1"]),
        ({"scale": "huge"}, ["scale", "'huge'", "short"]),
        ({"variant": "mine"}, ["variant", "'mine'", "authors"]),
    ],
)
def test_wrong_experiment(changes, wanted):
    """An experiment that cannot be is refused in one line that names what is allowed."""
    config, definitions = load(deepcopy(MINIMAL), DATASETS)
    chosen = {"dataset": "mnist", "algorithm": "aevb", "latent_dim": 3} | changes
    with pytest.raises(ConfigError) as caught:
        experiment(config, definitions, **chosen)
    assert "\n" not in str(caught.value)
    for part in wanted:
        assert part in str(caught.value)


@pytest.mark.parametrize("dataset", ["mnist", "frey_face"])
@pytest.mark.parametrize("algorithm", configuration.ALGORITHMS)
def test_experiment_json_round_trip(dataset, algorithm):
    """An experiment survives the JSON that the workflow passes it in, in one line."""
    made = settings(dataset, algorithm, n_train=n_train_of(algorithm), seeds=[0, 5])
    text = made.to_json()
    assert "\n" not in text
    back = Experiment.from_json(text)
    assert back == made
    assert isinstance(back.seeds, tuple)
    assert back.to_json() == text


FORMERLY = {
    "aevb": {"estimator": "A", "posterior": "laplace"},
    "wake_sleep": {"sleep_uses_updated_decoder": False},
    "mcem": {"monte_carlo_em": {"leapfrog_steps": 3, "weight_updates": 5}},
    "full_vb": {"full_vb": {"form": "generic"}},
}


@pytest.mark.parametrize("algorithm", FORMERLY)
def test_records_of_older_versions_are_read(algorithm):
    """There, the settings of all algorithms lie in one table; the first versions had fewer."""
    made = settings(algorithm=algorithm, n_train=n_train_of(algorithm))
    values = json.loads(made.to_json())
    del values["settings"]
    assert Experiment.from_values(values) == made.with_algorithm(
        **{field.name: field.default for field in fields(made.settings)}
    )
    values["log_variance_factor"] = 0.1
    made = replace(made, log_variance_factor=0.1)
    others = {"sleep_uses_updated_decoder": True, "monte_carlo_em": {}}
    found = Experiment.from_values(values | others | FORMERLY[algorithm])
    told = FORMERLY[algorithm]
    assert found == made.with_algorithm(
        algorithm, **told.get("monte_carlo_em", told.get("full_vb", told))
    )


def test_settings_of_another_algorithm_are_refused():
    """An experiment has those of its own, and no others."""
    with pytest.raises(ValueError, match=r"AEVB\(.*\) are not settings of wake-sleep"):
        replace(settings(), algorithm="wake_sleep")
    assert settings().with_algorithm("wake_sleep").settings == ALGORITHMS["wake_sleep"]()
    with pytest.raises(ValueError, match="unknown key 'colour'; allowed: estimator, posterior"):
        settings().with_algorithm(colour=1)
    with pytest.raises(ConfigError, match="algorithm: 'vae' is unknown; allowed: aevb, wake_sleep"):
        settings().with_algorithm("vae")


@pytest.mark.parametrize("damage", ["{", "", "[]", "null", "3", '"text"', "{}"])
def test_experiment_from_other_json(damage):
    """Anything else in its place is refused in one line."""
    with pytest.raises(ConfigError, match="the settings are not an experiment") as caught:
        Experiment.from_json(damage)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"colour": 1}, {"seeds": None}, {"step_sizes": 3}])
def test_experiment_with_wrong_fields(change):
    """An unknown field, or a list that is none, is refused."""
    values = json.loads(settings().to_json()) | change
    with pytest.raises(ConfigError, match="the settings are not an experiment"):
        Experiment.from_json(json.dumps(values))


def parts_of(schema: dict, root: dict, path: str = ""):
    """Every key of a schema: its path, its part with references resolved, whether required."""
    for one in options(schema, root):
        for name, part in one.get("properties", {}).items():
            part = resolve(part, root)
            if "const" not in part:
                yield f"{path}{name}", part, name in one.get("required", [])
                yield from parts_of(part, root, f"{path}{name}.")
        named = [*one.get("patternProperties", {}).values(), one.get("additionalProperties")]
        for rest, step in ((named[0], "NAME"), (one.get("items"), "[]")):
            if isinstance(rest, dict):
                yield from parts_of(rest, root, f"{path}{step}.")


@pytest.mark.parametrize("file", MODELS)
def test_every_key_is_described(file):
    """Each key has a description that is a sentence or more, except where all keys of a table are
    alike, which is then described itself."""
    schema = json_schema(MODELS[file])
    keys = list(parts_of(schema, schema))
    assert len(keys) > 20
    for path, part, _ in keys:
        alike = path.rpartition(".")[2] in configuration.ALGORITHMS
        assert alike or len(part.get("description", "")) > 8, path


def test_every_optional_key_has_a_default():
    """Each key of config.yaml that may be left out has a default, which is accepted, too."""
    schema = json_schema(Configuration)
    for path, part, required in parts_of(schema, schema):
        assert required or "default" in part, path
    filled = checked(estimators={"paper": {"method": "harmonic"}} | MINIMAL["estimators"])
    assert load(filled, DATASETS)[0] == filled


@pytest.mark.parametrize("file", MODELS)
def test_objects_refuse_unknown_keys(file):
    """Every table with fixed keys is closed, so that a mistyped key is found."""
    schema = json_schema(MODELS[file])
    tables = [schema, *schema["$defs"].values()]
    assert all(table["additionalProperties"] is False for table in tables)


def test_page_and_schemas_are_in_step_with_the_models():
    """config/README.md and workflow/schemas are what `make docs` writes."""
    page = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert page == configuration_page(), "run `make docs`"
    found = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.iterdir()}
    assert found == schema_files(), "run `make docs`"


@pytest.mark.parametrize("file", MODELS)
def test_schemas_accept_what_is_shipped(file):
    """The JSON schemas, for editors and other tools, know the files as the models do."""
    given = MODELS[file].model_validate(read_yaml(ROOT / "config" / file))
    content = given.model_dump(mode="json", exclude_unset=True)
    schema = read_yaml(SCHEMAS / file.replace(".yaml", ".schema.yaml"))
    check = jsonschema.Draft202012Validator(schema)
    assert list(check.iter_errors(content)) == []
    content["colour"] = 1
    assert not check.is_valid(content)
