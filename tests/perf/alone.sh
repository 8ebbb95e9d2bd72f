# SPDX-License-Identifier: BSD-3-Clause
# Alone: what the tests of the benches that need nobody beside them share. To be sourced by bash; the
# test's first argument is the bench.
bench=("$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}
. "$(dirname "$0")/expect.sh"

# A run that ends well, its table in $dir/table; 77 where the machine lacks what it needs.
measure() {
	local status=0
	"${bench[@]}" "$@" >"$dir/table" 2>"$dir/err" || status=$?
	if [ "$status" = 3 ]; then
		cat "$dir/err"
		exit 77
	fi
	[ "$status" = 0 ] || fail "$*: exits $status: $(<"$dir/err")"
}
