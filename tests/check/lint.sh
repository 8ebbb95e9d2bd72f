#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Lint: cppcheck over everything, clang-tidy (its checks in .clang-tidy) over libraries and
# applications. Looks at what warnings.sh built.
bad=0
cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j 2 \
	--std=c11 --template='{file}:{line}: {id}: {message}' \
	--suppress=missingIncludeSystem --suppress='unknownMacro:tests/perf/forward_xdp*' --suppress=invalidPrintfArgType_uint -D__x86_64__ -D_GNU_SOURCE -Ilib/core -Ilib/dma -Ilib/pmd -Ilib/dpdk -Ilib/mempool \
	lib apps examples tests || bad=1

[ -e build-check/clang/compile_commands.json ] || { echo "not built: run warnings first"; exit 1; }
# Once each, though some are compiled into several libraries.
mkdir -p build-check/tidy
jq '[.[] | select(.file | test("/(lib|apps)/"))] | unique_by(.file)' build-check/clang/compile_commands.json \
	>build-check/tidy/compile_commands.json
jq -r '.[].file' build-check/tidy/compile_commands.json |
	(cd build-check/clang && xargs -P 2 -n 4 clang-tidy --quiet -p ../tidy --warnings-as-errors='*') 2>/dev/null ||
	bad=1
exit $bad
