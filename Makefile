# Each target sets up what it needs; only Python 3.11 or newer and make have to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
# The suite starts Python hundreds of times; in many containers each of them would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo test check bench docs clean tools

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.lab ## run a first turn here, then open the notebooks (ARGS=--check: execute them instead)
	$(BIN)/lash-nb demo --notebooks notebooks $(ARGS)

test: check tools ## run every check and every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench ## measure, as ratios in one run
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.dev ## build the API reference from the docstrings into build/docs
	$(BIN)/python -m tests.architecture.reference build/docs

clean: ## remove everything that was installed or built
	rm -rf $(VENV) dist build _executed tests/_screens .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find benchmarks lash_nb tests -name __pycache__ -prune -exec rm -r {} +

# What pip cannot install. Where it may, this installs the browser; what is missing afterwards is said here, and fails in CI.
tools:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
		|| { apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes chromium; } || true
	@command -v chromium >/dev/null || echo "no chromium: the browser tests are skipped; install it (Debian: apt-get install chromium)"
	@if command -v node >/dev/null; then cd widgets && node --test; \
		else echo "no node: the tests in widgets/test are skipped; install Node.js 20 or newer"; test -z "$$CI"; fi

$(VENV)/.lab: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --editable ".[lab]"
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --editable ".[lab]" --group dev
	@touch $@ $(VENV)/.lab

$(VENV)/.bench: pyproject.toml $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

# Installing dependency groups needs pip 25.1.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d; try make PYTHON=python3.13" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@
