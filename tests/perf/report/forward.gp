# SPDX-License-Identifier: BSD-3-Clause
# Packets a second of each forwarder on one device; also given: data (the program, then a column for each who), who (by tabs), n.
load common
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set yrange [0:*]
set xtics noenhanced
set grid noxtics
set xlabel 'program' textcolor rgb ink
set ylabel 'million packets a second' textcolor rgb ink
title(i) = system(sprintf("printf '%%s' '%s' | cut -f %d", who, i))
plot for [i = 1:n] data using i + 1:xtic(1) lc rgb c[(i - 1) % 7 + 1] title title(i)
