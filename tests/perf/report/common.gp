# SPDX-License-Identifier: BSD-3-Clause
# What all plots of the report share. Given by -e: format (svg or png), out, name, height.
# The page replaces these colours by its own, which follow the reader's theme: see style.css.
ink = '#1f2328'; muted = '#57606a'; grid = '#d8dee4'
c1 = '#0b6e4f'; c2 = '#c8553d'; c3 = '#9a6a0b'; c4 = '#6b7785'
c5 = '#2563a8'; c6 = '#7b4fa3'; c7 = '#a8326e'
array c[7] = [c1, c2, c3, c4, c5, c6, c7]
array point[7] = [7, 5, 9, 13, 11, 4, 6]

if (format eq 'svg') {
	set terminal svg size 560,height dynamic font 'sans-serif,13' name name
} else {
	set terminal pngcairo size 1120,2*height font 'sans-serif,13' fontscale 2 linewidth 2 pointscale 2 background '#ffffff'
}
set output out
set border 3 lc rgb muted
set tics nomirror textcolor rgb muted
set grid xtics ytics lc rgb grid lw 1
set key above left horizontal Left reverse textcolor rgb ink noenhanced samplen 2
set datafile missing 'NaN'
