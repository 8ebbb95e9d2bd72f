#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Units: runs those unit tests in a guest of two NUMA nodes that take memory as it comes there.
# Arguments: the build directory, the source directory, the image directory.
set -euo pipefail
build=$1 source=$2 image=$3
units=(bulk cache paging share)
command="bad=0
for unit in ${units[*]}; do
	began=\$(date +%s) status=0
	timeout 120 $build/tests/unit/test_\$unit >/tmp/out 2>&1 || status=\$?
	echo \"\$unit: exit status \$status after \$((\$(date +%s) - began)) s\"
	[ \$status = 0 ] || { tail -n 30 /tmp/out; bad=1; }
done
exit \$bad"
exec "$(dirname "$0")/boot.sh" -t 280 -N 2 -m 3072 -H 0:256,1:256 -d "$source" -d "$build" "$image" "$command"
