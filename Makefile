# Everything a contributor runs. Needs make and Python 3.11 or newer; the rest goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
COMPILED := .venv-compiled/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test test-compiled check documents fuzz-rest autobahn planted faults bench bench-profile bench-commands bench-journal format env-example transcripts clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: .venv/installed ## run the server; ARGS="my_game.py --port 9000" are its arguments
	@$(BIN)/gameroom serve $(ARGS)

test: .venv/installed ## run the tests; ARGS="tests/unit -k patch" are pytest's arguments
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

test-compiled: .venv-compiled/installed ## whole servers and their clients once more, compiled as users install it
	$(COMPILED)/pytest --numprocesses 2 --dist loadfile tests/e2e tests/integration/test_main_job.py tests/integration/test_gateway.py tests/integration/test_sockets.py tests/integration/test_wire_*.py $(ARGS)

check: .venv/installed ## most of what CI runs: lint, format, types, floors, then the tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory test

documents: .venv/installed tests/documents/node_modules/.package-lock.json ## validate both documents of the API (needs Node 20)
	@$(BIN)/gameroom openapi | $(BIN)/python -m openapi_spec_validator -
	@$(BIN)/gameroom asyncapi | node tests/documents/asyncapi.mjs

fuzz-rest: .venv/installed ## minutes of made-up calls at every path of the OpenAPI document
	$(BIN)/pytest tests/property/test_rest_fuzz.py --hypothesis-profile=thorough $(ARGS)

autobahn: tests/autobahn/build/installed ## the Autobahn test suite against our WebSockets and uvicorn's; writes docs/autobahn.md (minutes)
	@tests/autobahn/build/bin/python -m tests.autobahn

planted: .venv/installed ## see that the tests notice what INVARIANTS.md forbids (minutes); ARGS="chance" for some
	$(BIN)/python -m tests.planted $(ARGS)

faults: .venv/installed ## deaths, freezes and full disks under play, and a look at what is left (minutes); ARGS="--seed 7 --kills 50"
	$(BIN)/pytest -m faults tests/faults
	@$(BIN)/python -m tests.faults $(ARGS)

bench: bench/build/installed ## measure the server beside its peers (an hour and a half, alone on the machine); ARGS="--smoke" for a look
	@$(COMPILED)/python -m bench $(ARGS)

bench-profile: bench/build/installed ## where the server spends its time; ARGS="--workload command" for another
	@$(COMPILED)/python -m bench.profile $(ARGS)

bench-commands: .venv-compiled/installed ## measure what one command costs a room, by its members (a minute)
	@$(COMPILED)/python -m bench.commands

bench-journal: .venv-compiled/installed ## measure durable acks, restarts and memory (twenty minutes, alone on the machine); ARGS="--smoke" for a look
	@$(COMPILED)/python -m bench.journal $(ARGS)

format: .venv/installed ## put the code into the house's format
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

env-example: .venv/installed ## write .env.example from the settings
	$(BIN)/gameroom settings > .env.example

transcripts: .venv/installed ## play the transcripts of docs/protocol.md, and record what a server says otherwise
	$(BIN)/python -m tests.transcripts

clean: ## throw .venv and all caches away, never data
	rm -rf .venv .venv-compiled tests/documents/node_modules tests/autobahn/build bench/build bench/peers/node/node_modules build backend/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

tests/documents/node_modules/.package-lock.json: tests/documents/package-lock.json
	@command -v npm > /dev/null || { echo "make documents needs Node 20 or newer, with npm"; exit 1; }
	@cd tests/documents && npm ci --silent
	@touch $@

# A venv of its own: nothing else needs the suite's client. Its cases are not installed, for they are Python 2; they
# are unpacked, and made Python 3.
tests/autobahn/build/installed: pyproject.toml tests/autobahn/requirements.txt tests/autobahn/suite.txt tests/autobahn/python3.sed
	@rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --editable . --requirement tests/autobahn/requirements.txt
	$(@D)/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
		--dest $(@D) --requirement tests/autobahn/suite.txt
	tar -xzf $(@D)/autobahntestsuite-*.tar.gz -C $(@D) --strip-components=2 --wildcards '*/autobahntestsuite/case'
	sed -i -f tests/autobahn/python3.sed $(@D)/case/*.py
	@touch $@

# What only the benchmark needs: the load and the floor, which are C, and the peers.
bench/build/installed: .venv-compiled/installed bench/peers/python/requirements.txt bench/peers/node/package-lock.json $(wildcard bench/generator/*.[ch] bench/peers/c/*.c)
	@command -v npm > /dev/null || { echo "make bench needs Node 20 or newer, with npm"; exit 1; }
	@mkdir -p bench/build
	$(CC) -O2 -Wall -Wextra -o bench/build/load bench/generator/*.c
	$(CC) -O2 -Wall -Wextra -o bench/build/floor bench/peers/c/floor.c
	$(COMPILED)/pip install --quiet --disable-pip-version-check --requirement bench/peers/python/requirements.txt
	@cd bench/peers/node && npm ci --silent
	@touch $@

# Made once, and again when what it is made from has changed.
.venv/installed: pyproject.toml setup.py backend/gameroom/gateway/fast_path/_framing.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "gameroom needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# As users install it: the hot path compiled. What was installed before is no measure of what stands in backend/ now.
.venv-compiled/installed: pyproject.toml setup.py $(shell find backend/gameroom -name '*.py' -o -name '*.c')
	$(PYTHON) -m venv .venv-compiled
	@rm -rf build # setuptools would pack what lies there from before
	$(COMPILED)/pip install --quiet --disable-pip-version-check '.[dev]'
	@$(COMPILED)/python -c 'from gameroom.rooms import room; assert room.__file__.endswith(".so"), "a C compiler is missing"'
	@touch $@
