# What people type. `make` alone lists it. A machine needs Rust and Node; the rest is installed or
# fetched by the first run of a command that needs it, and left alone by the next.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:

TARGET := $(or $(CARGO_TARGET_DIR),target)
UI := crates/server/ui
UI_SOURCES := $(shell find $(UI)/src $(UI)/public $(UI)/index.html $(UI)/*.ts $(UI)/tsconfig*.json -type f 2>/dev/null)

.PHONY: run
run: build ## build everything, start the engine, and print where to call and sign in
	@$(TARGET)/release/hotline serve --config config $(ARGS)

.PHONY: build
build: pages ## build the program with its pages: target/release/hotline
	@echo "==> Building the engine (a few minutes the first time)"
	@cargo build --release -p hotline-server

.PHONY: pages
pages: setup-build $(UI)/dist/index.html ## build the pages only

$(UI)/node_modules/.package-lock.json: $(UI)/package.json $(UI)/package-lock.json
	@echo "==> Fetching the pages' packages"
	@cd $(UI) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(UI)/dist/index.html: $(UI)/node_modules/.package-lock.json $(UI_SOURCES)
	@echo "==> Building the pages"
	@cd $(UI) && npm run --silent build
	@touch $@

.PHONY: test
test: pages setup-tests ## install what the tests need and run them all
	@scripts/test.sh

.PHONY: lint
lint: ## formatting, clippy and documentation, warnings as errors
	@echo "==> Formatting"
	@cargo fmt --all --check
	@echo "==> Clippy"
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@echo "==> Documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

.PHONY: deny
deny: ## licences, sources, duplicates and known faults of the dependencies
	@scripts/deny.sh

.PHONY: bench
bench: ## measure; results belong into benches/README.md
	@cargo bench -p hotline-tests $(ARGS)

.PHONY: setup-build
setup-build:
	@scripts/setup-build.sh

.PHONY: setup-tests
setup-tests: setup-build
	@scripts/setup-tests.sh

.PHONY: clean
clean: ## remove what was built and fetched (data/ stays)
	@cargo clean
	@rm -rf $(UI)/dist $(UI)/node_modules tests/e2e/node_modules

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
