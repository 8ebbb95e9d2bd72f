# SPDX-License-Identifier: BSD-3-Clause
# Driver: net_pp_xsk where EAL takes it from. To be sourced by bash after tests/net/netns.sh.

# Copies the driver $1 to where no directory above is writable by all: sets DRIVER, the
# arguments that load it. driver_end takes it away.
driver_begin() {
	DRIVERS=$(mktemp -d /run/pktpool-xsk.XXXXXX)
	cp "$1" "$DRIVERS/"
	DRIVER="-d $DRIVERS/$(basename "$1")"
	export LD_LIBRARY_PATH="$BUILD/lib/core:$BUILD/lib/dma${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
driver_end() {
	local status=$?
	trap '' INT TERM HUP
	rm -rf "${DRIVERS:?}"
	(exit $status)
	net_end
}
