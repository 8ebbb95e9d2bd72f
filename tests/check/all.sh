#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every check of the tree, or those named: one line each, and what is wrong under it.
cd "$(dirname "$0")/../.." || exit 3
[ $# -gt 0 ] || set -- shape format layers headers warnings exports lint model

failed=()
trap 'exit 143' TERM
for check in "$@"; do
	began=$SECONDS
	if out=$(bash "tests/check/$check.sh" 2>&1); then
		echo "ok $check ($((SECONDS - began)) s)"
		[ -z "$out" ] || sed 's/^/    /' <<<"$out"
	else
		echo "FAILED: $check"
		sed 's/^/    /' <<<"$out"
		failed+=("$check")
	fi
done
[ ${#failed[@]} = 0 ] || { echo "FAILED: ${failed[*]}"; exit 1; }
