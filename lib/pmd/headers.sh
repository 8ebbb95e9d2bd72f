#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Headers: what a DPDK driver includes and libdpdk-dev does not have, out of Debian's source
# package of the installed version, into build/dpdk-source/include. apt's own configuration
# stays as it is. Says why when it cannot, and exits 1: the drivers are then left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
home=$PWD/build/dpdk-source
wanted=(lib/ethdev lib/eal/include drivers/bus/vdev)

fail() {
	echo "headers: $*: DPDK's driver headers are not there, net_pp_* will not be built" >&2
	exit 1
}

read -r source version < <(dpkg-query -Wf '${source:Package} ${source:Version}\n' libdpdk-dev 2>&1) &&
	[ "$source" = dpdk ] || fail "libdpdk-dev is not installed"
[ "$(cat "$home/version" 2>&1)" != "$version" ] || exit 0

mkdir -p "$home"
exec 9>"$home/lock"
flock -w 300 9 || fail "another one has been fetching them for 300 s"
[ "$(cat "$home/version" 2>&1)" != "$version" ] || exit 0
work=$(mktemp -d "$home/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Another work tree of the same repository may have them.
take() {
	local tree
	while read -r tree; do
		[ "$tree" != "$PWD" ] && [ "$(cat "$tree/build/dpdk-source/version" 2>&1)" = "$version" ] &&
			cp -r "$tree/build/dpdk-source/include" "$work/include" && return
	done < <(git worktree list --porcelain 2>&1 | sed -n 's/^worktree //p')
	return 1
}

fetch() {
	local apt keys=/usr/share/keyrings/debian-archive-keyring.gpg signed=
	mkdir -p "$work"/lists/partial "$work"/cache/archives/partial
	[ ! -e $keys ] || signed="[signed-by=$keys] "
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | grep -i debian | sort -u | sed "s|^|deb-src $signed|" >"$work/sources.list"
	[ -s "$work/sources.list" ] || { echo "apt knows no Debian mirror"; return 1; }
	apt=(apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=
		-o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
	(cd "$work" && timeout 200 "${apt[@]}" update &&
		timeout 200 "${apt[@]}" source --download-only "dpdk=$version" &&
		dpkg-source --no-copy --no-check -x dpdk_*.dsc tree)
}

if ! take; then
	echo "headers: fetching DPDK's source package, $version" >&2
	fetch >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; fail "dpdk $version cannot be had from Debian"; }
	# Those that libdpdk-dev has are its own.
	mkdir "$work/include"
	for directory in "${wanted[@]}"; do
		for file in "$work/tree/$directory"/*.h; do
			[ -e "/usr/include/dpdk/${file##*/}" ] || cp "$file" "$work/include"
		done
	done
fi
[ -e "$work/include/ethdev_driver.h" ] && [ -e "$work/include/bus_vdev_driver.h" ] ||
	fail "dpdk $version has no ethdev_driver.h or bus_vdev_driver.h"
rm -rf "$home/include"
mv "$work/include" "$home/include"
echo "$version" >"$home/version"
