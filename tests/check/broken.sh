#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Broken: each check finds the mistake that is planted for it in a copy of the tree, by name.
# A check that lets its mistake pass is itself broken.
cd "$(dirname "$0")/../.." || exit 3
for tool in clang clang-format clang-tidy cppcheck jq; do
	command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# Only what the checks need to run at all: the core's build, and no tests of its own.
fresh() {
	rm -rf "$copy/tree"
	mkdir -p "$copy/tree/tests" "$copy/tree/apps" "$copy/tree/examples"
	cp -r lib meson.build meson_options.txt .clang-format .clang-tidy "$copy/tree"
	cp -r tests/check "$copy/tree/tests"
	sed -Ei "/^subdir\('(dma|dpdk|mempool)'\)/d" "$copy/tree/lib/meson.build"
}

bad=0 proved=0
# What is planted, the check that must find it, what it must say, and how it is planted.
plant() {
	local what=$1 check=$2 says=$3 out
	fresh
	(cd "$copy/tree" && eval "$4") || { echo "could not plant: $what"; bad=1; return; }
	if out=$(cd "$copy/tree" && bash "tests/check/all.sh" ${5:-} "$check" 2>&1); then
		echo "not found by $check: $what"
		bad=1
	elif ! grep -qE "$says" <<<"$out"; then
		echo "$check fails, but does not name: $what"
		sed 's/^/    /' <<<"$out"
		bad=1
	else
		proved=$((proved + 1))
	fi
}

code='/* SPDX-License-Identifier: BSD-3-Clause */\n/* Planted: a mistake. */\n'
source=lib/core/pp_planted.c
add() { printf "$code$1" >"$source"; }
# Built alone: the rest of the core takes its time and has nothing to do with it.
build() { add "$1" && sed -i "s|^core_headers = |core_sources = files('pp_planted.c')\n&|" lib/core/meson.build; }

plant "a file without licence" shape 'pp_planted.c:1: no SPDX' 'add "" && sed -i 1d $source'
plant "a file that is no noun" shape 'pp_planted.c:2: does not say' 'add "" && sed -i 2d $source'
plant "blanks at a line end" shape 'pp_planted.c: blanks' 'add "int x; \n"'
plant "an unfinished mark" shape 'pp_planted.c: unfinished' 'add "/* TO""DO */\n"'
plant "no newline at the end" shape 'pp_planted.c: no newline' 'add "int x;"'
plant "a driver too long" shape 'net_pp_planted: 500 lines' \
	'{ printf "$code"; yes "int x;" | head -n 498; } >lib/pmd/net_pp_planted.h'
plant "spaces for tabs" format 'pp_planted.c' 'add "int f(void)\n{\n  return 1;\n}\n"'
plant "a file without a place" layers 'pp_planted.c: has no place' 'add ""'
plant "an include upward" layers 'pp_types.h: pp_pool.h stands above' \
	'echo "#include \"pp_pool.h\"" >>lib/core/pp_types.h'
plant "DPDK in the core" layers 'pp_bulk.h: the core does without' \
	'echo "#include <rte_ring.h>" >>lib/core/pp_bulk.h'
plant "a private header outside" layers 'examples/x.c: includes pp_lock.h' \
	'printf "#include \"pp_lock.h\"\n" >examples/x.c'
plant "a header left out" layers 'does not lead to pp_stats.h' 'sed -i /pp_stats.h/d lib/core/pktpool.h'
plant "a header that cannot stand alone" headers 'pp_stats.h: not alone' \
	'sed -i "/include/d" lib/core/pp_stats.h'
plant "a header that is not C++" headers 'pp_bulk.h: not alone.*c\+\+' \
	'echo "extern int class;" >>lib/core/pp_bulk.h'
plant "a header without guard" headers 'pp_bulk.h: not alone' \
	'echo "struct planted { int i; };" >>lib/core/pp_bulk.h'
plant "an unused variable" warnings 'pp_planted.c.*unused' \
	'build "int pp_planted(void);\nint pp_planted(void)\n{\n\tint i;\n\treturn 0;\n}\n"'
plant "a warning of clang only" warnings 'pp_planted.c.*self' \
	'build "int pp_planted(int i);\nint pp_planted(int i)\n{\n\ti = i;\n\treturn i;\n}\n"'
plant "a symbol that leaks" exports 'exports leak' \
	'build "__attribute__((visibility(\"default\"))) void leak(void);\nvoid leak(void)\n{\n}\n" &&
	echo "PKTPOOL_0 { global: *; };" >lib/pktpool.map' warnings
plant "DPDK at link time" exports 'needs DPDK' \
	"build 'int pp_planted(void);\nint pp_planted(void)\n{\n\treturn 0;\n}\n' &&
	sed -i \"s|^core_deps = .|&cc.find_library('rte_ring'), |; s|: exports|: exports + '-Wl,--no-as-needed'|\" \
	lib/core/meson.build" warnings
plant "an index out of bounds" lint 'pp_planted.c.*arrayIndexOutOfBounds' \
	'build "int pp_planted(void);\nint pp_planted(void)\n{\n\tint a[2] = { 0, 1 };\n\treturn a[2];\n}\n"'
plant "a NULL that is followed" lint 'pp_planted.c.*(NullDereference|nullPointer)' \
	'build "int pp_planted(int i);\nint pp_planted(int i)\n{\n\tint *p = i ? &i : 0;\n\treturn *p;\n}\n"' warnings

echo "$proved mistakes planted and found"
exit $bad
