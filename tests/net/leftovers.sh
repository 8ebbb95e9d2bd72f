#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Leftovers: run.sh and starve.sh are interrupted at many moments, by signals to it alone and to all of its process
# group, and leaves nothing behind: no namespace, interface, process, hugepage, mount or file.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

# What run.sh with pid $1 could leave; its names have its pid in them, or are in our scratch directory.
inventory() {
	local eal=${RUNTIME_DIRECTORY:-/run}/dpdk/rte
	find /run/netns "$eal" "$TMP/scratch" -mindepth 1 2>/dev/null |
		grep -E "/pp[abm]$1\$|^$eal|^$TMP" || true
	ip -o link | awk '{ print $2 }' | grep -E '^(ea|eb|ma|mb)[:@]' || true
	grep -E "pp[abm]$1 |$TMP/scratch" /proc/mounts || true
	echo "hugepages: $(<$HUGE/nr_hugepages)"
}
# Processes that have run.sh's scratch directory in their environment.
descendants() { grep -lzs "^TMPDIR=$TMP/scratch$" /proc/[0-9]*/environ || true; }

# $1 seconds after its start a signal $2 to the pid or, with a minus, to the group. $4 if not run.sh.
interrupt() {
	local after=$1 signal=$2 sign=$3 script=${4:-run.sh} status=0 pid
	inventory none >"$TMP/before"
	# So many that it has to add some to what is free.
	HUGE_NEED=$(($(<$HUGE/free_hugepages) + 8)) TMPDIR=$TMP/scratch setsid \
		env --default-signal=INT,TERM "$(dirname "$0")/$script" "$BUILD" --seconds 8 \
		>"$TMP/out" 2>&1 &
	pid=$!
	OTHERS=$pid
	# Until it leads a group of its own and is what it is to become.
	until awk '{ exit !($2 == "(bash)" && $5 == $1) }' /proc/$pid/stat; do sleep 0.01; done
	sleep "$after"
	kill -0 $pid 2>/dev/null || fail "it was over before $after s: $(tail -n 3 "$TMP/out")"
	kill -"$signal" -- "$sign$pid"
	wait $pid || status=$?
	OTHERS=
	[ $status = 130 ] || [ $status = 143 ] || [ $status = 0 ] ||
		fail "after $after s and SIG$signal it ended with $status: $(tail -n 3 "$TMP/out")"
	[ $status != 0 ] || fail "after $after s SIG$signal did not end it"
	sleep 0.3
	[ -z "$(descendants)" ] || fail "after $after s and SIG$signal: left running: $(descendants)"
	inventory $pid >"$TMP/after"
	diff "$TMP/before" "$TMP/after" || fail "after $after s and SIG$signal: left behind (see above)"
	echo "ok: $script: SIG$signal to ${sign:-+}$pid after $after s"
}

net_begin
mkdir "$TMP/scratch"
interrupt 0.02 TERM ""
interrupt 0.1 INT -
interrupt 0.25 TERM -
interrupt 0.5 INT ""
interrupt 0.8 TERM ""
interrupt 1.3 INT -
interrupt 2.2 TERM ""
interrupt 3.5 INT ""
interrupt 4.6 TERM -
interrupt 6 INT -
interrupt 1 TERM "" starve.sh
interrupt 2.5 INT - starve.sh
interrupt 4 TERM - starve.sh
interrupt 6 INT "" starve.sh
