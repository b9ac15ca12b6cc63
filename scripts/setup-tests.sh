#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: telephones (SIPp, baresip), a packet capture,
# sound tools, a browser, a Python environment that compares recordings, the messages of RFC 4475.
# Quick when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/install-missing.sh

need 'command -v sipp' sip-tester
need 'command -v baresip && ls /usr/lib*/baresip/modules/aufile.so /usr/lib/*/baresip/modules/aufile.so | grep -q .' baresip-core
need 'command -v tcpdump' tcpdump
need 'PATH=$PATH:/usr/sbin; command -v tcpdump' tcpdump
need 'PATH=$PATH:/usr/sbin; command -v ip' iproute2
need 'command -v sox' sox
need 'command -v espeak-ng' espeak-ng
need 'find /usr/share/asterisk/sounds -name vm-goodbye.wav | grep -q .' asterisk-core-sounds-en-wav
need 'command -v chromium' chromium
need 'command -v chromedriver' chromium-driver
need 'fc-list :lang=zh | grep -q .' fontconfig fonts-noto-cjk
need 'python3 -c "import ensurepip, venv"' python3-venv
need 'test -f "$(python3 -c "import sysconfig; print(sysconfig.get_path(\"include\"))")/Python.h"' python3-dev
need 'command -v g++' g++
need 'command -v cmake' cmake
need 'PATH=$PATH:/usr/sbin; command -v mkfs.ext4' e2fsprogs
need 'PATH=$PATH:/usr/sbin; command -v fsfreeze' util-linux
need 'command -v git' git
install_missing

venv=${CARGO_TARGET_DIR:-target}/venv
compares() {
    "$venv/bin/python" -c 'import numpy, soundfile, pesq, pjsua2' 2>/dev/null
}
if ! cmp -s tests/e2e/requirements.txt "$venv/requirements.txt" || ! compares; then
    echo "==> Making a Python environment in $venv (compiles pesq; 1 to 2 minutes)"
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/e2e/requirements.txt
    compares || { echo "The Python packages of tests/e2e/requirements.txt are installed but do not load." >&2; exit 1; }
    cp tests/e2e/requirements.txt "$venv/requirements.txt"
fi

if [ tests/e2e/package-lock.json -nt tests/e2e/node_modules/.package-lock.json ]; then
    echo "==> Fetching what drives the browser"
    (cd tests/e2e && npm ci --silent && touch node_modules/.package-lock.json)
fi

bash scripts/fetch-torture.sh
