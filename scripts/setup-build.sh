#!/usr/bin/env bash
# Checks that this machine can build the engine and its pages; installs a C compiler where none is
# (SQLite is compiled in). Rust and Node are yours to choose, so they are only checked.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install-missing.sh

fail() {
    echo "$1" >&2
    exit 1
}

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
node_wanted=20.19

# at_least WANTED FOUND: compares version numbers.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

command -v cargo >/dev/null || fail "Rust is missing: install it with rustup (https://rustup.rs), $rust_wanted or newer."
rust_found=$(rustc --version | cut -d ' ' -f 2)
at_least "$rust_wanted" "$rust_found" || fail "Rust $rust_found is too old: $rust_wanted or newer is needed (rustup update)."

command -v npm >/dev/null || fail "Node.js with npm is missing: install version $node_wanted or newer (https://nodejs.org)."
node_found=$(node --version | tr -d v)
at_least "$node_wanted" "$node_found" || fail "Node.js $node_found is too old: $node_wanted or newer is needed."

need 'command -v cc' gcc libc6-dev
install_missing
