#!/usr/bin/env bash
# Checks the dependencies against deny.toml. Known faults (RustSec) are looked up in a database that
# has to be fetched; where it is out of reach, that is said and the rest still counts.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo deny --version >/dev/null 2>&1; then
    echo "==> Compiling cargo-deny (several minutes, once per machine)"
    # Its speed does not matter here, its compile time does.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install cargo-deny --locked --quiet
fi

echo "==> Licences, bans, sources"
cargo deny --workspace --log-level warn check licenses bans sources

echo "==> Known faults"
if timeout 120 cargo deny --log-level off fetch db >/dev/null 2>&1; then
    cargo deny --workspace --log-level warn check advisories
else
    echo "Known faults were NOT checked: the RustSec advisory database cannot be fetched from here."
fi
