"""The benchmark's arithmetic; its timings are no tests."""

from dataclasses import replace
from pathlib import Path

import pytest

from aevb.bench import training_flops
from aevb.settings import experiment, load

ROOT = Path(__file__).parents[1]


@pytest.fixture
def mnist_20():
    paths = ("config/config.yaml", "config/datasets.yaml")
    config, definitions = load(*(ROOT / path for path in paths))
    return experiment(config, definitions, dataset="mnist", latent_dim=20, algorithm="aevb")


def test_flops_of_aevb_by_hand(mnist_20):
    """Six products with the two large matrices less the gradient of the pixels, and the small."""
    large, small = 784 * 500, 500 * 40 + 20 * 500
    assert training_flops(mnist_20, 784) == 2 * (2 * large + 3 * large + 3 * small)


def test_flops_of_wake_sleep_by_hand(mnist_20):
    """Wake: encoder forward, decoder forward and back. Sleep: decoder forward, encoder both."""
    wanted = mnist_20.with_algorithm("wake_sleep")
    wake = (784 * 500 + 500 * 40) + (2 * 20 * 500 + 3 * 500 * 784)
    sleep = (20 * 500 + 500 * 784) + (2 * 784 * 500 + 3 * 500 * 40)
    assert training_flops(wanted, 784) == 2 * (wake + sleep)


def test_more_draws_cost_more_in_the_decoder_only(mnist_20):
    """The encoder runs once however many draws there are."""
    one, three = mnist_20, replace(mnist_20, samples_per_datapoint=3)
    extra = training_flops(three, 784) - training_flops(one, 784)
    assert extra == 2 * 2 * 3 * (20 * 500 + 500 * 784)
