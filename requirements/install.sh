#!/bin/sh
# Makes .venv ready: finds or fetches a fitting Python, installs hashed requirements when they changed.
# usage: requirements/install.sh local|dev     (dev holds local)
set -eu

set_name=${1:-local}
cd "$(dirname "$0")/.."
requirements="requirements/$set_name.txt"
stamp=".venv/installed-$set_name"
log="var/install.log"
oldest=12
newest=14

fail() {
    echo "error: $1" >&2
    exit 1
}

digest() {
    cksum "$requirements" .python-version requirements/install.sh | cksum
}

# The newest set that is installed satisfies the smaller one too.
is_ready() {
    [ -x .venv/bin/python ] || return 1
    for candidate in "$stamp" .venv/installed-dev; do
        name=${candidate##*installed-}
        [ -f "$candidate" ] && requirements="requirements/$name.txt"
        if [ -f "$candidate" ] && [ "$(cat "$candidate")" = "$(digest)" ]; then
            return 0
        fi
    done
    requirements="requirements/$set_name.txt"
    return 1
}

# pyenv's shims exist for versions that are not active, so a name that is found need not run.
fits() {
    "$1" -c "import sys, venv, ensurepip; sys.exit(not (3, $oldest) <= sys.version_info[:2] <= (3, $newest))" \
        >/dev/null 2>&1
}

python_of_pyenv() {
    command -v pyenv >/dev/null 2>&1 || return 1
    for minor in 13 12 14; do
        for candidate in "$(pyenv root)"/versions/3."$minor".*/bin/python; do
            if [ -x "$candidate" ] && fits "$candidate"; then
                echo "$candidate"
                return 0
            fi
        done
    done
    return 1
}

find_python() {
    for name in python3.13 python3.12 python3.14 python3 python; do
        if command -v "$name" >/dev/null 2>&1 && fits "$name"; then
            "$name" -c "import sys; print(sys.executable)"
            return 0
        fi
    done
    python_of_pyenv
}

# Any Python 3.8 or newer can carry uv, which then fetches the interpreter we need.
any_python() {
    for name in python3 python /usr/bin/python3; do
        if "$name" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 8))" >/dev/null 2>&1; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

# What went wrong, in one line; the whole story stays in the log.
explain() {
    if grep -qiE "dns error|failed to lookup|name resolution|connection refused|network is unreachable|timed out|tunnel error|error sending request|Max retries|from versions: none" "$log"; then
        fail "no network: the packages cannot be fetched (details in $log)"
    fi
    if grep -qiE "command '(gcc|cc|clang|g\+\+)' failed|no C compiler|unable to execute 'g?cc'|linker .cc. not found|failed to build" "$log"; then
        fail "a package has no wheel for this machine and a compiler is missing: install one (e.g. build-essential) (details in $log)"
    fi
    fail "$1 (details in $log)"
}

make_environment() {
    interpreter=$1
    if [ -x .venv/bin/python ] && fits .venv/bin/python; then
        return 0
    fi
    rm -rf .venv
    if [ -n "$interpreter" ]; then
        echo "using $("$interpreter" -V 2>&1)"
        "$interpreter" -m venv .venv >>"$log" 2>&1 || explain "the virtual environment cannot be made"
        return 0
    fi
    carrier=$(any_python) || fail "no Python found: install Python 3.13 (or any Python 3.8+, which fetches it)"
    echo "no Python 3.$oldest to 3.$newest here: fetching 3.13"
    "$carrier" -m venv var/uv >>"$log" 2>&1 || explain "the virtual environment cannot be made"
    var/uv/bin/python -m pip install --quiet uv >>"$log" 2>&1 || explain "uv cannot be installed"
    var/uv/bin/uv venv --quiet --seed --managed-python --python 3.13 .venv >>"$log" 2>&1 ||
        explain "Python 3.13 cannot be fetched"
}

find_uv() {
    for candidate in .venv/bin/uv var/uv/bin/uv; do
        if [ -x "$candidate" ]; then
            echo "$candidate"
            return 0
        fi
    done
    # Inside the folder: a uv elsewhere may be a shim that answers only for another Python.
    .venv/bin/python -m pip install --quiet uv >>"$log" 2>&1 || return 1
    echo .venv/bin/uv
}

is_ready && exit 0
mkdir -p var
: >"$log"
interpreter=$(find_python || true)
make_environment "$interpreter"
echo "installing $requirements"
if uv=$(find_uv); then
    # `sync` would remove uv itself, which is not in the list.
    "$uv" pip install --quiet --require-hashes --no-deps --python .venv/bin/python -r "$requirements" \
        >>"$log" 2>&1 || explain "the packages cannot be installed"
else
    .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r "$requirements" \
        >>"$log" 2>&1 || explain "the packages cannot be installed"
fi
digest >"$stamp"
