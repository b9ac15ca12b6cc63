#!/usr/bin/env bash
# Runs every test: the pages, the crates, the whole engine with real telephones and a browser, and
# the lock-free doors under every interleaving. Ends with one line that counts them.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

step() {
    echo
    echo "==> $1"
    shift
    "$@" 2>&1 | tee -a "$log"
}

# Packets are captured and played from files, which takes rights over the network. Who is not root
# gets them in a network of the tests' own: the loopback, and a cable that leads nowhere, since
# browsers send no sound where there is nothing but a loopback.
alone=()
if [ "$(id -u)" -ne 0 ]; then
    alone=(unshare --user --map-current-user --keep-caps --net
        bash -c 'PATH=$PATH:/usr/sbin && ip link set lo up &&
            ip link add lan0 type veth peer name lan1 && ip address add 192.0.2.1/24 dev lan0 &&
            ip link set lan0 up && ip link set lan1 up && exec "$@"' alone)
    "${alone[@]}" true || {
        echo "This system gives no user a network namespace: run make test as root." >&2
        exit 1
    }
fi

step "Pages" npm --prefix crates/server/ui test
# With the tests' own dependencies, so that nothing is compiled twice. The end-to-end tests start
# the program that this leaves beside them.
step "Building the engine and its tests" cargo build --workspace --bins --tests
# Always the whole workspace: with fewer packages cargo would choose other features for what they
# share, and build it again.
others=()
for file in tests/*.rs crates/*/tests/*.rs crates/*/tests/*/main.rs; do
    [ -e "$file" ] || continue
    name=$(basename "${file%/main.rs}" .rs)
    [ "$name" = wire ] || others+=(--test "$name")
done
step "Engine" "${alone[@]}" cargo test --workspace --lib --bins "${others[@]}"
step "Examples in the documentation" "${alone[@]}" cargo test --workspace --doc
# These wait for timers and telephones far more than they compute, each with an engine of its own.
step "Engine on the wire" "${alone[@]}" cargo test --workspace --test wire -- --test-threads=8
step "Lock-free doors under loom" env RUSTFLAGS="--cfg loom" \
    CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/loom" cargo test --release -p hotline-acd --test loom

# cargo: "test result: ok. 12 passed; 0 failed; 0 ignored; …"; vitest: "Tests  34 passed (34)".
sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    /^test result:/ { passed += $4; failed += $6 }
    /^ *Tests +[0-9]+ passed/ { passed += $2 }
    END {
        printf "\nAll tests passed.\ntests: %d passed, %d failed\n", passed, failed
        exit failed > 0 || passed == 0
    }'
