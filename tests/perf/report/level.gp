# SPDX-License-Identifier: BSD-3-Clause
# Free buffers over time, a line for each run; also given: data (a block for each), names (by tabs).
load common
set key maxcols 1
set yrange [0:*]
set xrange [0:*]
set xlabel 'seconds since the forwarder began' textcolor rgb ink
set ylabel 'free buffers, the reserve apart' textcolor rgb ink
array kind[4] = [1, 2, 3, 4]
title(i) = system(sprintf("printf '%%s' '%s' | cut -f %d", names, i))
plot for [i = 1:runs] data index i - 1 using 1:2 with lines lw (i == 1 ? 3 : 2) \
	dt kind[(i - 1) % 4 + 1] lc rgb c[(i - 1) % 7 + 1] title title(i)
