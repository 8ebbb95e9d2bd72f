#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Image: makes DIR/vmlinuz and DIR/initrd of Debian's kernel, its few modules and busybox, once.
# Exits 77 with the reason when it cannot. Nothing is installed on the host.
set -euo pipefail
dir=${1:?a directory}
here=$(cd "$(dirname "$0")" && pwd)
skip() {
	echo "no guest: $*"
	exit 77
}

for tool in qemu-system-x86_64 busybox cpio modprobe depmod xz dpkg apt-get; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
mkdir -p "$dir"
# Two tests may come here at once.
exec 9>"$dir/lock"
flock 9
[ "$dir/initrd" -nt "$here/init" ] && [ "$dir/initrd" -nt "$0" ] && exit 0

if [ ! -e "$dir/kernel/boot" ]; then
	apt-cache show linux-image-amd64 >"$dir/log" 2>&1 || apt-get -qq update >"$dir/log" 2>&1 || true
	package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
	[ -n "$package" ] || skip "apt knows no linux-image-amd64: $(tail -n 1 "$dir/log")"
	(cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$package") >"$dir/log" 2>&1 ||
		skip "cannot download $package: $(tail -n 1 "$dir/log")"
	dpkg -x "$dir/$package"_*.deb "$dir/kernel.new"
	rm "$dir/$package"_*.deb
	mkdir -p "$dir/kernel.new/lib"
	mv "$dir/kernel.new" "$dir/kernel"
fi
release=$(ls "$dir/kernel/lib/modules")
depmod -b "$dir/kernel" "$release"
ln -sf "kernel/boot/vmlinuz-$release" "$dir/vmlinuz"

root=$dir/root
rm -rf "$root"
mkdir -p "$root"/{proc,sys,dev,run,tmp,usr,etc,modules,share,root,mnt,home,opt,srv,var/run,boot}
for link in bin sbin lib lib64; do ln -s usr/$link "$root/$link"; done
cp "$(command -v busybox)" "$root/boot/busybox"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
for file in ld.so.cache ld.so.conf ld.so.conf.d passwd group nsswitch.conf hosts protocols services \
	alternatives iproute2 libibverbs.d rdma; do
	# A minimal system lacks some of them.
	[ ! -e "/etc/$file" ] || cp -a "/etc/$file" "$root/etc/"
done
echo "guest:x:7000:7000::/tmp:/bin/bash" >>"$root/etc/passwd"
echo "guest:x:7000:" >>"$root/etc/group"

# What boots, in the order in which it goes in, and what a test may ask modprobe for: only these
# are there, and the kernel itself asks too (vfio for vfio_iommu_type1).
boot=(virtio_pci 9pnet_virtio 9p virtio_rng)
asked=(e1000 e1000e virtio_net vfio-pci vfio_iommu_type1 msr veth dummy tun
	rdma_rxe ib_uverbs rdma_ucm ib_umad sch_ingress cls_bpf crc32_generic crc32c_generic)
tree=$root/modules/lib/modules/$release
mkdir -p "$tree"
needed() { modprobe -d "$dir/kernel" -S "$release" --show-depends "$1"; }
for module in "${boot[@]}" "${asked[@]}"; do
	needed "$module"
done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r path; do
	cp "$path" "$tree/"
done
find "$tree" -name '*.xz' -exec xz -df {} +
cp "$dir/kernel/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$tree/"
depmod -b "$root/modules" "$release"
for module in "${boot[@]}"; do
	needed "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { sub(".*/", "", $2); sub(".xz$", "", $2); print $2 }' |
	sed "s,^,/modules/lib/modules/$release/," >"$root/modules/boot"
# In the PATH before the real one, which looks below /lib/modules.
cat >"$root/boot/modprobe" <<-'END'
	#!/boot/busybox sh
	exec /usr/sbin/modprobe -d /modules "$@"
END
chmod 755 "$root/boot/modprobe"

(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd.new"
mv "$dir/initrd.new" "$dir/initrd"
