# SPDX-License-Identifier: BSD-3-Clause
# Expect: a bench ends with the exit status that it should. To be sourced by bash where fail() is;
# the array `bench` is its command, and what it says goes to $dir/out and $dir/err.
expect() {
	local status=0 want=$1
	shift
	"${bench[@]}" "$@" >"$dir/out" 2>"$dir/err" || status=$?
	[ "$status" = "$want" ] || fail "$*: exits $status, not $want: $(tail -n 8 "$dir/out" "$dir/err")"
}
