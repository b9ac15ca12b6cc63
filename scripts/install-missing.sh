# Sourced by the setup scripts: `need` notes what a machine lacks, `install_missing` installs it.
# A thing counts as there when its check succeeds, however it came onto the machine.

missing=()

# need CHECK PACKAGE...: the packages are wanted when the shell command CHECK fails.
need() {
    local check=$1
    shift
    if ! bash -c "$check" >/dev/null 2>&1; then
        missing+=("$@")
    fi
}

# Installs what `need` found missing, as root or through sudo; says what to do where it cannot.
install_missing() {
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    if ! command -v apt-get >/dev/null || { [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
        echo "Please install (Debian's names): ${missing[*]}" >&2
        return 1
    fi
    echo "==> Installing from Debian's packages: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        echo "These packages could not be installed: ${missing[*]}" >&2
        return 1
    fi
    rm -f "$log"
    missing=()
}
