#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Warnings: the whole tree builds with gcc and with clang under -Wall -Wextra -Werror: with gcc
# where the tests want it anyway, with clang unoptimised.
bad=0
mkdir -p build-check
declare -A where=([gcc]=build [clang]=build-check/clang) how=([clang]="-Doptimization=0 -Ddebug=false")
for compiler in gcc clang; do
	dir=${where[$compiler]}
	mkdir -p "$dir"
	[ -e "$dir/build.ninja" ] || CC=$compiler meson setup "$dir" -Dwerror=true -Dwarning_level=2 ${how[$compiler]:-} ||
		{ bad=1; continue; }
	ninja -C "$dir" --quiet -k 0 || { echo "does not build clean with $compiler"; bad=1; }
done >build-check/log 2>&1
[ $bad = 0 ] || grep -E 'error|rror:|does not|FAILED' build-check/log
exit $bad
