#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Install: what meson installs is where it belongs, and README's first program builds against
# it with pkg-config alone, and runs; drivers go where EAL looks for them.
# Arguments: the source directory, and one where it is built.
set -u
source=${1:?the source directory}
build=${2:?the build directory}
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
die() {
	echo "$*"
	exit 1
}

awk '/^```c$/ { inside = 1; next } /^```/ { if (inside) exit } inside' "$source/README.md" >"$top/readme.c"
[ -s "$top/readme.c" ] || die "README.md has no \`\`\`c block"

DESTDIR=$top meson install -C "$build" --no-rebuild >"$top/log" 2>&1 || { tail -n 40 "$top/log"; die "does not install"; }
option() { meson introspect --buildoptions "$build" | jq -r ".[] | select(.name == \"$1\").value"; }
prefix=$top$(option prefix)

# What it would be where it says it is.
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name pktpool.pc)")
export PKG_CONFIG_PATH
sed -i "s|^prefix=.*|prefix=$prefix|" "$PKG_CONFIG_PATH"/pktpool*.pc || die "no pktpool.pc"
libdir=$(pkg-config --variable=libdir pktpool) || die "pkg-config does not know pktpool"
include=$(pkg-config --variable=includedir pktpool)/pktpool
pkg-config --exists pktpool_dpdk || die "pkg-config does not know pktpool_dpdk"
# Where EAL looks for drivers unasked is built into it; /usr/local is meson's default.
looks=$(strings "$(ldconfig -p | sed -n 's/.*=> \(.*librte_eal\.so\.23\)$/\1/p')" | grep -x '/.*/dpdk/pmds-[0-9.]*')
[ -d "$looks" ] || die "where EAL looks for drivers is not known: $looks"
drivers=$libdir/dpdk/pmds-23.0
case $(option prefix) in
/usr | /usr/local) drivers=$top$looks ;;
esac

for file in "$libdir"/libpktpool.so.0 "$libdir"/libpktpool_dpdk.so.0 "$include"/pktpool.h \
	"$include"/pp_pktmbuf.h "$prefix"/bin/pktpool-fwd \
	$(cd "$build/lib" && ls mempool/librte_*.so pmd/librte_*.so 2>/dev/null | sed "s|.*/|$drivers/|"); do
	[ -e "$file" ] || die "not installed: ${file#"$top"}"
done
for page in "$source"/doc/man/*.[1-9]; do
	[ ! -e "$page" ] || [ -n "$(find "$prefix/share/man" -name "${page##*/}*")" ] ||
		die "not installed: ${page##*/}"
done

cc -Wall -Wextra -Werror -o "$top/readme" "$top/readme.c" $(pkg-config --cflags --libs pktpool) ||
	die "README's program does not build"
ldd "$top/readme" >/dev/null && LD_LIBRARY_PATH=$libdir "$top/readme" ||
	die "README's program fails ($?)"

# The DPDK half links by its own .pc, too.
printf '#include <pp_pktmbuf.h>\nint main(void) { return pp_pktmbuf_pool(NULL) != NULL; }\n' >"$top/half.c"
cc -o "$top/half" "$top/half.c" $(pkg-config --cflags --libs pktpool_dpdk) ||
	die "a program against pktpool_dpdk does not build"
echo "installed $(find "$top$(option prefix)" "$drivers" -type f | wc -l) files; README's program runs"
