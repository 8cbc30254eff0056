# Every target sets itself up on first use, in .venv. Python 3.11 to 3.13; name another one with `make run PYTHON=...`.
SHELL := /bin/bash
VENV := .venv
PINS := constraints.txt
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do $$p -c "" 2>/dev/null && command -v $$p && break; done)
RUNS := runs/headline
# Files of tests, and notebooks, run side by side. A lesson runs solved and unsolved; what one compiles serves the other,
# and compiles fast rather than well.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile
COMPILED_ONCE := JAX_DISABLE_MOST_OPTIMIZATIONS=1 XLA_FLAGS="--xla_cpu_use_fusion_emitters=false --xla_cpu_prefer_vector_width=128" JAX_COMPILATION_CACHE_DIR="$$(cd "$(VENV)" && pwd)/jax-cache" JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 TF_CPP_MIN_LOG_LEVEL=2
# Paths may hold spaces: recipes quote them, and targets and prerequisites have them with a backslash.
SPACE := $(subst ,, )
STAMPS := $(subst $(SPACE),\ ,$(VENV))

.PHONY: help run robomimic test test-all test-around test-times coverage test-colab colab lab notebooks bench gpu rehearse site site-links publish-links format clean

help:
	@echo "make run        the headline: QC-FQL, FQL-n and FQL on OGBench's cube-single, about 12 minutes on two cores"
	@echo "make test       the library's tests, every exercise, and every lesson solved and unsolved"
	@echo "make test-all   that, and what lies around: nbgrader, Colab, Ray, a browser, the site, every domain"
	@echo "make test-times what the tests cost, file by file: renews the table in docs/testing.md"
	@echo "make coverage   which lines of the library no test reaches"
	@echo "make lab        the course in JupyterLab"
	@echo "make robomimic  install robosuite and what reads robomimic's files, for lesson 08: lift, can and square"
	@echo "make notebooks  build and execute the notebooks from solutions/*.py (LESSONS='01 02' for some of them)"
	@echo "make test-colab the same tests with Colab's versions of JAX, Flax, NumPy, IPython and ipywidgets"
	@echo "make site       the solved lessons, all pages and the library's API as a web site, in build/site"
	@echo "make site-links ask each outside link of the site whether it still answers: needs a network"
	@echo "make bench      speed, as ratios measured in one run"
	@echo "make gpu        what your NVIDIA GPU does in MINUTES=10: speed, and the paper's cells; goes on when called again"
	@echo "make publish-links REPO=owner/name   write the address of your copy into badges and links"
	@echo "make rehearse   the paper's 25 tasks by nine methods, a few steps each: does it all run here?"

# The set-up. A stamp per group of packages, renewed when the pins or the project's own list change.
$(STAMPS)/bin/python:
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 13) and f"Python 3.11 to 3.13 is needed, found {v[0]}.{v[1]}. Install one, or: make PYTHON=/path/to/python")'
	@"$(PYTHON)" -m venv "$(VENV)"
	@"$(BIN)/python" -m pip install -qq --upgrade pip --disable-pip-version-check

define install
	@echo "Installing $(1) (once) ..."
	@if "$(BIN)/python" -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then \
		"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-warn-conflicts --no-deps -c "$(PINS)" ogbench dm_control; fi
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-warn-conflicts -c "$(PINS)" -e '.$(2)'
	@touch "$@"
endef

$(STAMPS)/.base: $(STAMPS)/bin/python pyproject.toml $(subst $(SPACE),\ ,$(PINS))
	$(call install,qlac-lite,)
$(STAMPS)/.robomimic: $(STAMPS)/.base
	$(call install,Robomimic's simulator,[robomimic])
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-warn-conflicts --no-deps -c "$(PINS)" robosuite==1.5.2
$(STAMPS)/.dev: $(STAMPS)/.robomimic
	$(call install,the test tools,[dev])
$(STAMPS)/.test: $(STAMPS)/.robomimic
	$(call install,the test tools,[test])
$(STAMPS)/.site: $(STAMPS)/.base
	$(call install,the site's tools,[site])
$(STAMPS)/.lab: $(STAMPS)/.base
	$(call install,JupyterLab,[lab])

# About three times the paper's learning rate and twice its target rate: minutes stand for hours.
run: $(STAMPS)/.base
	@set -e; \
	data=$$("$(BIN)/qlac" data cube-single-play-v0 --source generate --episodes 80 --out data); \
	for method in qc-fql fql-n fql; do "$(BIN)/qlac" train --method $$method --seeds 8 --offline-steps 1600 \
		--online-steps 4800 --set learning_rate=0.001 --set target_rate=0.01 --set evaluate_every=800 \
		--set evaluation_episodes=4 --data "$$data" --out "$(RUNS)/$$method" --resume; done; \
	"$(BIN)/qlac" report "$(RUNS)/qc-fql" "$(RUNS)/fql-n" "$(RUNS)/fql" --out "$(RUNS)/report"

test: $(STAMPS)/.dev
	@"$(BIN)/ruff" check qlac_lite tests tools && "$(BIN)/ruff" format --check --quiet qlac_lite tests tools
	@$(COMPILED_ONCE) QLAC_FAST=1 "$(BIN)/python" -m pytest $(SIDE_BY_SIDE) --no-loadscope-reorder
	@$(COMPILED_ONCE) QLAC_FAST=1 "$(BIN)/python" -m pytest $(SIDE_BY_SIDE) --nbval-lax --nbval-current-env notebooks solutions

test-times: $(STAMPS)/.dev
	@$(COMPILED_ONCE) "$(BIN)/python" tools/time_tests.py $(or $(PART),test)

coverage: $(STAMPS)/.dev
	@$(COMPILED_ONCE) QLAC_FAST=1 "$(BIN)/python" -m pytest $(SIDE_BY_SIDE) --no-loadscope-reorder --cov=qlac_lite --cov-report=term-missing:skip-covered

test-all: test test-around

test-around: $(STAMPS)/.dev
	@$(COMPILED_ONCE) QLAC_FAST=1 "$(BIN)/python" -m pytest $(SIDE_BY_SIDE) --no-loadscope-reorder -m around

test-colab:
	@$(MAKE) --no-print-directory colab VENV=.venv-colab PINS=tests/lessons/colab.txt PYTHON="$(PYTHON)"

colab: $(STAMPS)/.test
	@"$(BIN)/python" -m pytest $(SIDE_BY_SIDE) --no-loadscope-reorder --ignore tests/lessons/test_lessons.py --ignore tests/tools/test_links.py --ignore tests/lessons/test_browser.py --ignore tests/test_extending.py --ignore tests/lessons/test_grading.py --ignore tests/tools/test_site.py
	@QLAC_FAST=1 "$(BIN)/python" -m pytest $(SIDE_BY_SIDE) --nbval-lax --nbval-current-env notebooks solutions

robomimic: $(STAMPS)/.robomimic
	@echo "Next: $(BIN)/qlac train --task lift-mh-low_dim --method qc-fql"

lab: $(STAMPS)/.lab
	@"$(BIN)/jupyter" lab $(if $(filter 0,$(shell id -u)),--allow-root) $(firstword $(wildcard notebooks/00*.ipynb notebooks/*.ipynb) README.md)

notebooks: $(STAMPS)/.dev
	@"$(BIN)/python" tools/build_lessons.py $(LESSONS)

# The pages that Sphinx reads are written by docs/site/conf.py. A warning, such as a link that leads nowhere, fails the build.
SPHINX = @rm -rf build/site* && mkdir -p build/site-src && "$(BIN)/python" -m sphinx -W --keep-going -q -c docs/site -d build/site-doctrees
site: $(STAMPS)/.site
	$(SPHINX) build/site-src build/site
	@echo "Open build/site/index.html"

site-links: $(STAMPS)/.site
	$(SPHINX) -b linkcheck build/site-src build/site-links

bench: $(STAMPS)/.base
	@"$(BIN)/python" tools/bench.py

# JAX with CUDA is installed here alone, by pip; without a GPU it does no harm, and the command says so.
MINUTES ?= 10
$(STAMPS)/.gpu: $(STAMPS)/.base
	$(call install,JAX for NVIDIA GPUs,[gpu])
gpu: $(STAMPS)/.gpu
	@"$(BIN)/python" tools/gpu.py --minutes $(MINUTES)

rehearse: $(STAMPS)/.dev
	@set -e; for domain in puzzle-3x3 scene cube-double cube-triple cube-quadruple; do \
		"$(BIN)/qlac" data $$domain-play-v0 --source generate --episodes 2 --out data/rehearsal > /dev/null; done
	@$(COMPILED_ONCE) "$(BIN)/qlac" sweep docs/sweeps/rehearsal.toml --out runs/rehearsal

publish-links: $(STAMPS)/.base
	@"$(BIN)/python" tools/links.py "$(REPO)"

format: $(STAMPS)/.dev
	@"$(BIN)/ruff" check --fix qlac_lite tests tools; "$(BIN)/ruff" format qlac_lite tests tools

clean:
	rm -rf .venv .venv-colab build dist *.egg-info
