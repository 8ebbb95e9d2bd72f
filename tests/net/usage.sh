# SPDX-License-Identifier: BSD-3-Clause
# Usage: the options of a script that people run, and what it says to those that cannot be. To be
# sourced by bash; usage() is the script's own.
usage_fail() {
	echo "$(basename "$0"): $*" >&2
	usage >&2
	exit 2
}

# The names of options with a value, of those without, and the script's arguments: the first one goes
# to BUILD, each value to the variable of its option's name, as does a 1 for who has none. Where `--`
# is one of the latter, what comes after it goes to the array `further`.
usage_read() {
	local values=" $1 " flags=" $2 " name
	shift 2
	[ $# -gt 0 ] || usage_fail "which build directory? e.g. $(basename "$0") build"
	BUILD=
	while [ $# -gt 0 ]; do
		name=${1#--}
		if [ "$1" = -h ] || [ "$1" = --help ]; then
			usage
			exit 0
		elif [ -z "$BUILD" ]; then
			BUILD=$1
		elif [ "$1" = -- ] && [[ $flags == *" -- "* ]]; then
			further=("${@:2}")
			return
		elif [ "$1" = "--$name" ] && [ -n "$name" ] && [[ $flags == *" $name "* ]]; then
			declare -g "$name=1"
		elif [ "$1" = "--$name" ] && [ -n "$name" ] && [[ $values == *" $name "* ]]; then
			[ $# -gt 1 ] || usage_fail "$1 wants a value"
			declare -g "$name=$2"
			shift
		else
			usage_fail "$1: no such option"
		fi
		shift
	done
}

usage_driver() {
	case $driver in
	'' | af_xdp | af_packet) ;;
	*) usage_fail "--driver $driver: must be af_xdp or af_packet" ;;
	esac
}

# BUILD is a directory, by its whole name then, and has these programs. (lack() is netns.sh's.)
usage_build() {
	local program
	BUILD=$(cd "$BUILD" 2>/dev/null && pwd) || usage_fail "no such build directory"
	for program; do
		[ -x "$BUILD/$program" ] || lack "no $BUILD/$program: build it with ./dev build"
	done
}
