#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Units: runs the unit tests, as they were built, in a guest of two NUMA nodes.
# Arguments: the build directory, the source directory, the image directory.
set -euo pipefail
build=$1 source=$2 image=$3
command -v jq >/dev/null || { echo "jq is not installed"; exit 77; }
command='bad=0 passed=0
unit() {
	timeout 100 "$@" >/tmp/out 2>&1 && status=0 || status=$?
	case $status in
	0) passed=$((passed + 1)) ;;
	77) echo "skipped: ${1##*/}: $(tail -n 1 /tmp/out)" ;;
	*) echo "FAILED ($status): $*"; tail -n 30 /tmp/out; bad=1 ;;
	esac
}
'
units=$(meson introspect --tests "$build" |
	jq -r '.[] | select(.suite | any(test("(^|:)unit$"))) | "unit " + (.cmd | @sh)')
[ -n "$units" ] || { echo "there are no unit tests"; exit 1; }
exec "$(dirname "$0")/boot.sh" -N 2 -m 2048 -H 0:256,1:256 -d "$source" -d "$build" "$image" \
	"$command$units
echo \"\$passed passed\"
[ \$passed -gt 0 ] && exit \$bad"
