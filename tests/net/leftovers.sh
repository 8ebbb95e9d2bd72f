#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Leftovers: run.sh is interrupted at many moments, by signals to it alone and to all of its process
# group, and leaves nothing behind: no namespace, interface, process, hugepage, mount or file.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

# All there is that run.sh could leave. Pages of a dead process come back a moment later.
inventory() {
	find /run/netns /run/dpdk/rte "$TMP/scratch" -mindepth 1 2>/dev/null | sort || true
	ip -o link | awk '{ print $2 }' | sort
	awk '{ print $2, $3 }' /proc/mounts | sort
	echo "hugepages: $(<$HUGE/nr_hugepages)"
}
# Processes that have run.sh's scratch directory in their environment.
descendants() { grep -lzs "^TMPDIR=$TMP/scratch$" /proc/[0-9]*/environ || true; }

# $1 seconds after its start a signal $2 to the pid or, with a minus, to the group.
interrupt() {
	local after=$1 signal=$2 sign=$3 status=0 pid
	# So many that it has to add some to what is free.
	TMPDIR=$TMP/scratch HUGE_NEED=$(($(<$HUGE/free_hugepages) + 8)) setsid env --default-signal=INT,TERM "$(dirname "$0")/run.sh" "$BUILD" \
		--seconds 8 >"$TMP/out" 2>&1 &
	pid=$!
	sleep "$after"
	kill -0 $pid 2>/dev/null || fail "it was over before $after s: $(tail -n 3 "$TMP/out")"
	kill -"$signal" -- "$sign$pid"
	wait $pid || status=$?
	[ $status = 130 ] || [ $status = 143 ] || [ $status = 0 ] ||
		fail "after $after s and SIG$signal it ended with $status: $(tail -n 3 "$TMP/out")"
	[ $status != 0 ] || fail "after $after s SIG$signal did not end it"
	sleep 0.3
	[ -z "$(descendants)" ] || fail "after $after s and SIG$signal: left running: $(descendants)"
	inventory >"$TMP/after"
	diff "$TMP/before" "$TMP/after" || fail "after $after s and SIG$signal: left behind (see above)"
	echo "ok: SIG$signal to ${sign:-+}$pid after $after s"
}

net_begin
mkdir "$TMP/scratch"
inventory >"$TMP/before"
interrupt 0.15 TERM ""
interrupt 0.25 INT -
interrupt 0.35 TERM -
interrupt 0.5 INT ""
interrupt 0.8 TERM ""
interrupt 1.3 INT -
interrupt 2.2 TERM ""
interrupt 3.5 INT ""
interrupt 4.6 TERM -
interrupt 6 INT -
