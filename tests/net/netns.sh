# SPDX-License-Identifier: BSD-3-Clause
# Netns: hosts a and b with a forwarder's namespace m between them, its hugepages, and the end of
# all of it. To be sourced by bash; what it makes is named after the shell's pid.
#
#   [a: ea 10.7.0.1] -- [ma :m: mb] -- [eb 10.7.0.2 :b]
A=ppa$$ M=ppm$$ B=ppb$$
ADDRESS_A=10.7.0.1 ADDRESS_B=10.7.0.2
HUGE=/sys/kernel/mm/hugepages/hugepages-2048kB
# The most of them that any run here takes: a pool of 16,384 buffers, and EAL's own.
HUGE_NEED=${HUGE_NEED:-64}
TMP= HUGE_ADDED=0 HUGE_MOUNT= PENDING= CPU=
# Processes that net_end has to end besides those in the namespaces.
OTHERS=

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}
lack() {
	echo "$(basename "$0"): $*" >&2
	exit "${LACK:-3}"
}

# Signals are taken between an act and the note of it that net_end needs, not inside.
hold() {
	trap 'PENDING=${PENDING:-130}' INT
	trap 'PENDING=${PENDING:-143}' TERM
}
release() {
	trap 'exit 130' INT
	trap 'exit 143' TERM
	[ -z "$PENDING" ] || exit "$PENDING"
}

# A shell takes a signal only when what it waits for in the foreground has ended; so it waits for
# what runs in the background.
attend() {
	local status=0
	"$@" &
	wait $! || status=$?
	return $status
}

in_a() { ip netns exec "$A" "$@"; }
in_b() { ip netns exec "$B" "$@"; }
in_m() { ip netns exec "$M" "$@"; }

huge_lock() { flock /proc/sys/vm/nr_hugepages "$@"; }

# So many free ones: adds what is missing to what the machine has.
huge_reserve() {
	local free missing before
	free=$(<$HUGE/free_hugepages)
	missing=$((HUGE_NEED - free))
	if [ "$missing" -gt 0 ]; then
		hold
		before=$(<$HUGE/nr_hugepages)
		{ echo $((before + missing)) >$HUGE/nr_hugepages; } 2>/dev/null || true
		HUGE_ADDED=$(($(<$HUGE/nr_hugepages) - before))
		release
		[ "$HUGE_ADDED" -ge "$missing" ] || lack "got $HUGE_ADDED of $missing hugepages that were" \
			"missing: free memory, or echo $((before + missing)) > $HUGE/nr_hugepages"
	fi
	if ! grep -Eq '^\S+ \S+ hugetlbfs .*pagesize=2M' /proc/mounts; then
		hold
		mkdir "$TMP/huge"
		if mount -t hugetlbfs -o pagesize=2M pktpool "$TMP/huge"; then HUGE_MOUNT=$TMP/huge; fi
		release
		[ -n "$HUGE_MOUNT" ] || lack "no hugetlbfs is mounted, and it cannot be mounted here"
	fi
}

# Ends every process in a namespace of ours: first as asked, then by force.
net_processes_end() {
	local name pid signal tries
	for signal in TERM KILL; do
		for tries in {1..60}; do
			local left=
			for pid in $OTHERS; do
				[ -e "/proc/$pid" ] || continue
				left=1
				[ "$tries" -gt 1 ] || kill -"$signal" "$pid" 2>/dev/null || true
			done
			for name in "$A" "$B" "$M"; do
				[ -e "/run/netns/$name" ] || continue
				for pid in $(ip netns pids "$name" 2>/dev/null); do
					left=1
					# Once: a second TERM is no more polite.
					[ "$tries" -gt 1 ] || kill -"$signal" "$pid" 2>/dev/null || true
				done
			done
			[ -n "$left" ] || return 0
			sleep 0.1
		done
	done
}

net_end() {
	local status=$? name
	trap '' INT TERM HUP
	trap - EXIT
	set +e
	net_processes_end
	for name in "$A" "$B" "$M"; do
		[ ! -e "/run/netns/$name" ] || ip netns del "$name"
	done
	wait
	[ -z "$HUGE_MOUNT" ] || umount "$HUGE_MOUNT"
	[ "$HUGE_ADDED" = 0 ] || echo $(($(<$HUGE/nr_hugepages) - HUGE_ADDED)) >$HUGE/nr_hugepages
	[ -z "$TMP" ] || rm -rf --one-file-system "$TMP"
	exit "$status"
}

net_begin() {
	local tool
	[ "$(id -u)" = 0 ] || lack "namespaces and XDP want root: run it as root"
	for tool in ip ethtool socat jq ping flock; do
		command -v "$tool" >/dev/null || lack "no $tool here: apt-get install ethtool iproute2" \
			"iputils-ping jq socat util-linux"
	done
	trap net_end EXIT
	release
	hold
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/pktpool-net.XXXXXX")
	release
	CPU=$(sed -n 's/^Cpus_allowed_list:.*[^0-9]\([0-9]\{1,\}\)$/\1/p' /proc/self/status)
	huge_reserve
	ip netns add "$A" || lack "no network namespace can be made here"
	ip netns add "$B"
	ip netns add "$M"
}

# The two hosts. $1 is "on" where they leave checksums to their hardware, as ends that are not ours do.
net_hosts() {
	local tx=${1:-off}
	ip link add ea netns "$A" type veth peer name ma netns "$M"
	ip link add eb netns "$B" type veth peer name mb netns "$M"
	ip -n "$A" addr add $ADDRESS_A/24 dev ea
	ip -n "$B" addr add $ADDRESS_B/24 dev eb
	ip -n "$A" addr add fd07::1/64 dev ea nodad
	ip -n "$B" addr add fd07::2/64 dev eb nodad
	ip -n "$A" link set dev ea up
	ip -n "$B" link set dev eb up
	ip -n "$M" link set dev ma up
	ip -n "$M" link set dev mb up
	# Checksums are one thing; packets longer than the wire's are another that a veth hands over.
	in_a ethtool -K ea tx "$tx" tso off gso off >/dev/null 2>&1
	in_b ethtool -K eb tx "$tx" tso off gso off >/dev/null 2>&1
}

# pktpool-fwd in the middle, in the background: EAL's arguments, `--`, its own. Sets FWD.
fwd_start() {
	# Not in_m: a function in the background is a shell of its own, and $! would be that.
	ip netns exec "$M" "$BUILD/apps/fwd/pktpool-fwd" -l "$CPU" --in-memory --no-pci --no-telemetry \
		--iova-mode=va "$@" 2>>"$TMP/fwd.err" &
	FWD=$!
}

fwd_complaints() {
	grep -v -e '^EAL: ' -e '^TELEMETRY: ' "$TMP/fwd.err" >&2 || true
}

# Until a ping from a namespace gets through, or the forwarder has ended, or 60 s.
fwd_ready() {
	local from=$1 to=$2 end=$((SECONDS + 60)) status=0
	while [ $SECONDS -lt $end ]; do
		if ! kill -0 "$FWD" 2>/dev/null; then
			wait "$FWD" || status=$?
			fwd_complaints
			return $((status > 0 ? status : 1))
		fi
		attend ip netns exec "$from" ping -q -c1 -W0.3 "$to" >"$TMP/ready" 2>&1 && return 0
	done
	fwd_complaints
	echo "$(basename "$0"): no ping came through the forwarder in 60 s" >&2
	return 1
}

# Its TAP port $1, which is in its namespace, gets the address $2 as soon as it is there.
fwd_tap() {
	local _
	for _ in {1..600}; do
		ip -n "$M" link show dev "$1" >/dev/null 2>&1 && break
		kill -0 "$FWD" 2>/dev/null || { fwd_complaints; fail "the forwarder has ended"; }
		sleep 0.1
	done
	ip -n "$M" addr add "$2/24" dev "$1"
	ip -n "$M" link set dev "$1" up
}

# Until a flood has emptied the pool of one that stalls.
fwd_dry() {
	local _
	for _ in {1..600}; do
		! grep -q 'the pool is empty' "$TMP/fwd.err" || return 0
		sleep 0.1
	done
	fail "the flood did not empty the pool in 60 s"
}

# Ends it with a signal; returns its exit status.
fwd_stop() {
	local status=0
	kill -"${1:-TERM}" "$FWD"
	wait "$FWD" || status=$?
	[ $status = 0 ] || fwd_complaints
	return $status
}

# Echo replies that namespace $1 has ever received.
echo_replies() {
	ip netns exec "$1" awk '/^Icmp:/ && !at { for (i = 1; i <= NF; i++) if ($i == "InEchoReps") at = i; next }
		/^Icmp:/ { print $at }' /proc/net/snmp
}

# Of $3 pings from namespace $1 to $2: sets SENT to how many ping says it sent, and LOST to how many
# of $3 did not come back, sent or not. Late is not lost: once something has come back, ping itself
# waits only 50 ms for the last; so those are counted that the kernel receives within 20 s more. (Not
# for $(): bash 5.2 trips over a signal that comes while it is in one, and what takes long had better
# not be.)
pings_send() {
	local before back _
	echo_replies "$1" >"$TMP/replies"
	before=$(<"$TMP/replies")
	attend ip netns exec "$1" ping -q -c "$3" -i 0.05 -W 2 "$2" >"$TMP/pings" || true
	read -r SENT back < <(awk '/packets transmitted/ { sent = $1; back = $4 }
		END { print sent + 0, back + 0 }' "$TMP/pings")
	for _ in {1..200}; do
		[ "$back" -gt 0 ] && [ "$back" -lt "$SENT" ] || break
		sleep 0.1
		echo_replies "$1" >"$TMP/replies"
		back=$(($(<"$TMP/replies") - before))
	done
	LOST=$(($3 > back ? $3 - back : 0))
}

# Until a UDP socket of namespace $1 has port $2, 60 s at most.
udp_listens() {
	local _ port
	port=$(printf ':%04X ' "$2")
	for _ in {1..600}; do
		! ip netns exec "$1" grep -q "^ *[0-9]*: [0-9A-F]*$port" /proc/net/udp || return 0
		sleep 0.1
	done
	fail "nobody receives on UDP port $2"
}

# $1 MiB of noise from a to b over TCP, within $2 seconds; true if the sha256 is the same.
tcp_transfer() {
	local address=${3:-$ADDRESS_B} kind=TCP4 listener
	case $address in
	*:*) kind=TCP6 address="[$address]" ;;
	esac
	[ -e "$TMP/noise" ] || attend head -c "$(($1 << 20))" /dev/urandom >"$TMP/noise"
	rm -f "$TMP/arrived"
	in_b timeout --foreground "$2" socat -u "$kind-LISTEN:5001,reuseaddr" \
		"CREATE:$TMP/arrived" 2>>"$TMP/socat.err" &
	listener=$!
	attend in_a timeout --foreground "$2" socat -u "OPEN:$TMP/noise" \
		"$kind:$address:5001,retry=20,interval=0.1" 2>>"$TMP/socat.err" || true
	wait "$listener" || true
	attend sha256sum "$TMP/noise" "$TMP/arrived" >"$TMP/sums" 2>>"$TMP/socat.err" || return 1
	awk '{ sum[NR] = $1 } END { exit !(NR == 2 && length(sum[1]) == 64 && sum[1] == sum[2]) }' "$TMP/sums"
}
