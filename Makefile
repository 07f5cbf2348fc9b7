# make demo   an environment, the install, and the main job on the lab's record, which is shipped
# make test   everything a change has to pass; CI runs the same
# They need Python 3.11 or newer and make. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# On Linux without a graphics card torch comes from PyTorch's index of CPU builds: PyPI's brings CUDA, 4 GB more.
# Another index: make TORCH_INDEX=URL; PyPI's build in any case: make TORCH_INDEX=
CARD = test -e /proc/driver/nvidia || command -v nvidia-smi
TORCH_INDEX ?= $(shell test "$$(uname -s)" != Linux || { $(CARD); } >/dev/null 2>&1 || echo https://download.pytorch.org/whl/cpu)
CASES ?= ../shared/cases
COUNT ?= 20000
ONLY ?=

# torch for processors, of the version in a file of constraints
define torch
test -z "$(TORCH_INDEX)" || { \
    echo "No graphics card at hand: torch for processors, from $(TORCH_INDEX)"; \
    $(BIN)/pip install --quiet --retries 2 --no-deps -c $(1) --index-url "$(TORCH_INDEX)" torch 2>/dev/null; } || \
    echo "It cannot be had there: torch comes from PyPI, on Linux with CUDA, 6 GB in all."
endef

# What is tested is this checkout in its own environment, whatever the caller's shell adds.
unexport PYTHONPATH PYTHONHOME PIP_CONSTRAINT PIP_BUILD_CONSTRAINT

.NOTPARALLEL:
.PHONY: help install demo test format-check lint types tests cases fuzz format docs coverage constraints clean

help:
	@echo "make demo         train, export and route on what small models answered, and say what it saves"
	@echo "make test         format check, lint, strict types, tests, built wheel imported elsewhere"
	@echo "make cases        run a folder of cases, CASES=../shared/cases: what they print beside what they should"
	@echo "make fuzz         COUNT=20000 odd files, calls with odd values and small instances, 1,000 of these on Ray,"
	@echo "                  2,000 paced streams, 2,400 broken bundles, one replaced under its readers for a"
	@echo "                  minute, collections and batches killed a hundred times, assignments twenty times: all"
	@echo "                  end as they should; SEED=... repeats"
	@echo "make format       put the code in shape"
	@echo "make docs         write docs/help.md anew from the command line"
	@echo "make coverage     run the tests and list the lines they miss"
	@echo "make constraints  look for newer versions of everything installed"
	@echo "make clean        remove the environment and what tools left behind"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "routoo needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	         "Name another: make PYTHON=python3.11" >&2; exit 2; }
	@echo "Installing into .venv, once: a few minutes, and 2.2 GB, or 6 GB where torch brings CUDA."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet -c constraints.txt pip
	@$(call torch,constraints.txt)
	@# setuptools warns of every editable install
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet -c constraints.txt --build-constraint constraints.txt -e '.[dev]'
	@touch $@

install: $(READY)

demo: $(READY)
	@# threads that wait for one another leave the processors to what else runs
	@OMP_WAIT_POLICY=passive $(BIN)/routoo demo

test: format-check lint types tests

format-check: $(READY)
	@$(BIN)/ruff format --check

lint: $(READY)
	@$(BIN)/ruff check

types: $(READY)
	@$(BIN)/mypy

tests: $(READY)
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

cases: $(READY)
	@$(BIN)/python tests/cases.py $(CASES) --only "$(ONLY)"

fuzz: export PYTHONPATH = tests/support:tests/servers
fuzz: $(READY)
	@$(BIN)/python tests/fuzz/read_files.py --files $(COUNT) $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/call_doors.py --calls $(COUNT) $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/solve_instances.py --count $(COUNT) $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/solve_on_ray.py $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/pace_streams.py $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/break_bundles.py $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/replace_bundles.py $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/kill_collections.py --kills 100 $(if $(SEED),--seed $(SEED))
	@$(BIN)/python tests/fuzz/kill_batches.py --kills 100 $(if $(SEED),--seed $(SEED))
	@PYTHONPATH=benchmarks:tests/support $(BIN)/python tests/fuzz/kill_assignments.py --kills 20 $(if $(SEED),--seed $(SEED))

format: $(READY)
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(READY)
	@$(BIN)/typer routoo.cli utils docs --name routoo --output docs/help.md

coverage: $(READY)
	@OMP_NUM_THREADS=1 $(BIN)/pytest --cov --cov-report=term-missing:skip-covered

constraints:
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@grep '^torch==' constraints.txt > .venv/torch.txt
	@$(BIN)/pip install --quiet --upgrade pip
	@$(call torch,.venv/torch.txt)
	@$(BIN)/pip install --quiet -c .venv/torch.txt -e '.[dev]'
	@grep '^#' constraints.txt > .venv/constraints.txt
	@# torch names the exact versions of CUDA's parts itself
	@$(BIN)/pip list --format=freeze --exclude-editable | grep -Ev '^(nvidia-|cuda-|triton)' | sed 's/+.*//' >> .venv/constraints.txt
	@mv .venv/constraints.txt constraints.txt && touch $(READY)

clean:
	@rm -rf .venv routoo-demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
