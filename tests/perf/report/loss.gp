# SPDX-License-Identifier: BSD-3-Clause
# Loss over the load, a line for each frame size; also given: data (a block for each), frames.
load common
set xtics 0, 20
set xrange [0:*]
set yrange [0:*]
set xlabel 'offered load, % of the highest' textcolor rgb ink
set ylabel 'lost, % of what was sent' textcolor rgb ink
plot for [i = 1:words(frames)] data index i - 1 using 1:2 with linespoints lw 2 \
	pt point[(i - 1) % 7 + 1] lc rgb c[(i - 1) % 7 + 1] title word(frames, i).' B'
