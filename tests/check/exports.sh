#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Exports: the libraries show pp_* only, and the core needs nothing of DPDK's.
# Looks at what warnings.sh built.
bad=0
# The mempool ops, which show something else, have a test of their own (tests/mempool/needs.sh).
libraries=$(find build/lib -name 'libpktpool*.so')
[ -n "$libraries" ] || { echo "no library was built"; exit 1; }
for library in $libraries; do
	others=$(nm -D --defined-only "$library" | awk '$3 !~ /^pp_/ && $2 != "A" { print $3 }')
	[ -z "$others" ] || { echo "$library exports" $others; bad=1; }
	nm -D --defined-only "$library" | grep -q ' pp_' || { echo "$library exports nothing"; bad=1; }
	case $library in
	*/libpktpool.so)
		readelf -d "$library" | grep 'NEEDED.*librte_' && { echo "$library needs DPDK"; bad=1; }
		;;
	esac
done
exit $bad
