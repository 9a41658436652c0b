# Every target does the set-up it needs (scripts/setup.py); a second run skips what is there.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
export PATH := $(CURDIR)/.make/bin:$(CURDIR)/.venv/bin:$(PATH)
# Containers often forbid bytecode; tests would then be compiled, and their assertions rewritten, in every worker anew.
export PYTHONDONTWRITEBYTECODE :=

# Unit tests need no network: where the system allows it they run in an empty network namespace.
OFFLINE := $(shell for how in -n -rn; do if unshare $$how true 2>/dev/null; then echo "unshare $$how $(BIN)/python scripts/with_loopback.py"; break; fi; done)
PYTEST := $(BIN)/python -m pytest -rs
# Thousands of small files, each synced: in memory, where there is memory for them.
export PYTEST_DEBUG_TEMPROOT := $(shell [ -w /dev/shm ] && [ "$$(df -Pm /dev/shm | awk 'NR == 2 { print $$4 }')" -gt 2000 ] && echo /dev/shm)
ARGS ?=

.PHONY: help demo serve test test-unit test-simulated test-rest test-contracts test-long lint slither format types bench film doctor lock setup clean distclean
.NOTPARALLEL:

help: ## What there is to run
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## A check, its evidence, its anchor and its audit: live with a webcam, else on a recorded clip
	@sh scripts/setup.sh demo
	@$(BIN)/medauth demo $(ARGS)

serve: ## The verifier in the browser; prints its address
	@sh scripts/setup.sh dev
	@$(BIN)/medauth serve $(ARGS)

test: test-unit test-simulated test-contracts test-rest ## All tests but the long ones

test-unit: setup ## The quick ones, without a network
	@$(OFFLINE) $(PYTEST) tests/unit -m "not long and not simulated" -n auto --dist loadfile $(ARGS)

test-simulated: setup ## Unit tests that simulate films, crowds and attacks
	@$(OFFLINE) $(PYTEST) tests/unit -m "simulated and not long" -n auto --dist loadfile $(ARGS)

# A browser, a server and a camera at once: their tests have the machine to themselves.
test-rest: setup
	@$(PYTEST) tests --ignore tests/unit --ignore tests/browser -m "not long" -n auto --dist loadfile $(ARGS)
	@$(PYTEST) tests/browser -m "not long" $(ARGS)

test-contracts: setup ## The contracts: unit, fuzz and invariant tests, and the gas snapshot
	@npm run --silent test:contracts
	@npm run --silent check:gas

test-long: setup film ## The tests that take minutes
	@$(OFFLINE) $(PYTEST) tests/unit -m "hypothesis and not long" --hypothesis-profile thorough $(ARGS)
	@$(PYTEST) tests -m long $(ARGS)

lint: setup ## Style, format, import rules, contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo
	@npm run --silent lint:contracts

slither: setup ## Slither over the contracts, in an environment of its own
	@$(BIN)/python scripts/slither.py $(ARGS)

format: setup ## Mends what lint can mend by itself
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

types: setup ## mypy, strict
	@$(BIN)/mypy

bench: setup ## Cost per frame, start-up, memory, anchoring, audit and live checks at once
	@$(BIN)/python -m medauth.evaluation.bench $(ARGS)
	@$(BIN)/python -m medauth.evaluation.web_load

film: setup ## Film of two people whom nothing was tuned on, for the long tests
	@$(BIN)/python -m scripts.fetch_film

doctor: ## What is installed, what is missing and how to mend it
	@sh scripts/setup.sh demo
	@$(BIN)/medauth doctor $(ARGS)

lock: setup ## Writes the Python lock files anew from pyproject.toml
	@$(BIN)/python scripts/setup_lock.py

setup:
	@sh scripts/setup.sh dev

clean: ## Removes what tests and tools left; keeps the environment and medauth-data/
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build out cache artifacts broadcast
	@find . -path ./.venv -prune -o -path ./node_modules -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## Removes the environment too: the next command sets everything up again
	@rm -rf .venv node_modules .make
