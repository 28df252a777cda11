# `make help` lists the targets; `make` alone does the same.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK ?= envs/lock-cpu.txt
STAMP = $(VENV)/installed-$(notdir $(LOCK))
CORES ?= all
TEST_JOBS ?= 2
SCALE ?= quick
PAGES ?= README.md CONTRIBUTING.md docs
TEST = $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder
SNAKEMAKE = $(BIN)/snakemake --cores $(CORES) --config scale=$(SCALE)

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install reproduce audit test long slow commands slurm-test lint bench bench-peers report reference browser lock docs site clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | while IFS= read -r line; do \
	  printf '  make %-11s %s\n' "$${line%%:*}" "$${line##*## }"; done
	@echo 'After a target: SCALE=$(SCALE) CORES=$(CORES) TEST_JOBS=$(TEST_JOBS) PYTHON=$(PYTHON) LOCK=$(LOCK), as they are now.'

install: $(STAMP) ## virtual environment in .venv, from the lock file with hashes

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed; name one with: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "No virtual environment could be made; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing the locked packages (a minute or two) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/installed-*; touch $@

reproduce: install ## the main job at SCALE=quick (smoke, quick, full, paper): figures and tables in results/
	@echo "Each figure is named when it is drawn; the first that is learned is results/$(SCALE)/figures/fig4.pdf."
	@grep -ls '"available": false' data/*.json | xargs -r rm -f # ask again for data that was left out
	@$(SNAKEMAKE)
	@echo "Done: results/$(SCALE)/figures, results/$(SCALE)/tables and results/$(SCALE)/explorer.html"

audit: install ## the verdict on every claim of the paper at SCALE; fails on a regression
	@$(BIN)/snakemake audit --cores $(CORES) --config scale=$(SCALE)

test: install ## the tests of all that is quick to test
	@$(TEST)

long: install ## the tests of samplers, devices and whole workflows, which take longer than all the others
	@$(TEST) -m long

slow: install ## the tests that take longest: workflows that are killed, what docs/extending.md adds
	@$(TEST) -m slow

commands: install ## run the commands of README and docs, on what SCALE=smoke has made
	@$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile -p tests.commands $(PAGES)

lint: install ## ruff, snakefmt and Snakemake's own lint
	@$(BIN)/ruff check src tests docs
	@$(BIN)/ruff format --check src tests docs
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/snakemake --lint

bench: install ## speed of training on this machine: results/bench
	@$(BIN)/snakemake --cores all --force bench

bench-peers: install ## speed of training beside JAX and PyTorch, which it installs: results/bench/peers.csv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[peers]'
	@$(BIN)/snakemake --cores all --force bench_peers

report: install ## one HTML file with all that SCALE has made: results/SCALE/report.html
	@$(SNAKEMAKE) --report results/$(SCALE)/report.html
	@echo "Open results/$(SCALE)/report.html in a browser."

reference: install ## keep the numbers of the smoke run as those that must come out again
	@for figure in fig2 fig3; do $(BIN)/python -m aevb table reference \
	  results/smoke/figures/$$figure.csv --output resources/reference/smoke_$$figure.csv || exit 1; done

slurm-test: install ## the smoke run through the Slurm profile, on a one-node Slurm; Debian or Ubuntu, as root
	@bash tests/slurm/run

device-check: ## how to check a machine with a GPU or TPU: agreement with the CPU, and speed
	@echo "Here, with the data of a finished run:"
	@echo "  aevb export-check --output check.zip"
	@echo "There, with numpy, safetensors and JAX with its plugin for the device, in a copy of src/:"
	@echo "  PYTHONPATH=src python -m aevb.bundle check check.zip --output device"
	@echo "To train there, and here again with what comes back:"
	@echo "  aevb export results/paper/runs/authors/mnist/aevb/latent_dim_20 --output paper.zip"
	@echo "  PYTHONPATH=src python -m aevb.bundle run paper.zip --output trained"
	@echo "  aevb import trained"

browser: ## chromium for the tests of the latent explorer, on Debian and Ubuntu, as root
	@command -v chromium >/dev/null \
	  || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; } \
	  || echo "No chromium could be installed: the tests that need a browser will be skipped."

site: install ## a static site of the docs and the committed record: results/site/html/index.html
	@$(BIN)/python docs/site_pages.py results/site/pages
	@$(BIN)/mkdocs build --strict --config-file docs/mkdocs.yml
	@echo "Open results/site/html/index.html in a browser."

docs: install ## write config/README.md and the JSON schemas from the settings' models, the pages with numbers from the record
	@$(BIN)/python -m aevb document-config
	@$(BIN)/python docs/render.py

lock: install ## write the lock files anew from pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile pyproject.toml --extra workflow --extra slurm --extra dev --extra pjrt --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --output-file envs/lock-cpu.txt
	@$(BIN)/uv pip compile pyproject.toml --extra workflow --extra slurm --extra dev --extra pjrt --extra gpu --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --output-file envs/lock-gpu.txt

clean: ## remove what smoke and quick have made, checkpoints too; keeps the data and other scales
	@rm -rf .checkpoints/results/smoke .checkpoints/results/quick results/smoke results/quick results/logs
