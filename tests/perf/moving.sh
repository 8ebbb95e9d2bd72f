# SPDX-License-Identifier: BSD-3-Clause
# Moving: what the tests of the benches that move packets share. To be sourced by bash, with HUGE_NEED
# set; the test's first argument is the build directory.
LACK=77
. "$(dirname "$0")/../net/netns.sh"
. "$(dirname "$0")/expect.sh"
BUILD=$1
command -v dpdk-testpmd >/dev/null || lack "no dpdk-testpmd here: apt-get install dpdk-dev"

net_begin
[ "$CPU" != 0 ] || lack "one CPU cannot generate and forward"
dir=$TMP
