#!/usr/bin/env bash
# Debian's reprotest as an outside judge: builds a copy of the repository's models twice, the second
# time with everything varied that reprotest can vary here, and compares every published file.
#
#     tests/benchmarks/reprotest.sh [VARIATIONS]
#
# Needs reprotest, faketime and disorderfs (all packages of Debian), and root for the host name.
# VARIATIONS is what reprotest's --variations takes; the default is all of them but `user_group`:
# reprotest 0.7.23 calls sudo with an option that sudo 1.9 refuses (`reproduce --vary=user` does it).
# No lock is copied: nothing but the two builds is compared. Exits as reprotest does: 0 when they are
# the same.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
variations=${1:-+all,-user_group}

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/source"
cp -r "$root/manifests" "$root/pyproject.toml" "$work/source"
rm -f "$work"/source/manifests/*/*.lock

# SOURCE_DATE_EPOCH is an input, as it is of any reproducible build.
build="umask; date; pwd; locale; SOURCE_DATE_EPOCH=1767225600 PYTHONPATH='$root' '$python' -m artifactbuild build"
build+=" && find artifacts -type f | LC_ALL=C sort | xargs sha256sum > files.sha256"
reprotest --no-diffoscope --variations="$variations" --source-root "$work/source" \
    "$build" "files.sha256 artifacts manifests/*/*.lock" -- null
