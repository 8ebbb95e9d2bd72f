#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Headers: each compiles alone; the installed ones also twice, in C99, in C++ and with clang.
alone() {
	local header=$1
	shift
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		"$@" -Wall -Wextra -Werror -Ilib/core -Ilib/dma -Ilib/pmd -Ilib/dpdk -Ilib/mempool -fsyntax-only - ||
		{ echo "$header: not alone with: $*"; return 1; }
}
export -f alone

public=$(grep -ohE "'[a-z_]+\.h'" lib/*/meson.build | tr -d "'")
dpdk=$(pkg-config --cflags libdpdk)
# Of DPDK's own, what drivers include.
drivers=build/dpdk-source/include
[ -e $drivers/ethdev_driver.h ] || echo "lib/pmd is left out: no headers for drivers (lib/pmd/headers.sh)" >&2
for path in lib/*/*.h; do
	header=${path##*/}
	flags=-march=x86-64-v2
	case $path in
	lib/core/*) ;;
	lib/pmd/*)
		[ -e $drivers/ethdev_driver.h ] || continue
		flags="$dpdk $flags -DALLOW_INTERNAL_API -isystem $drivers"
		;;
	*) flags="$dpdk $flags" ;;
	esac
	if ! grep -qx "$header" <<<"$public"; then
		echo "$header gcc -x c -std=gnu11 -D_GNU_SOURCE $flags"
		continue
	fi
	for compiler in gcc clang; do
		echo "$header $compiler -x c -std=gnu99 $flags"
		echo "$header $compiler -x c -std=gnu11 $flags"
		echo "$header $compiler -x c++ -std=gnu++11 $flags"
	done
done | xargs -P "$(nproc)" -I{} bash -c 'alone {}' || exit 1
