// SPDX-License-Identifier: BSD-3-Clause
// Look: what a reader would see of the report, put into words; run inside the page by look.sh.
// MODES are light, dark, print or narrow, one after another in one window.
'use strict';
const wrong = new Set();
let looked = 0, MODE;
function want(holds, words) {
	looked++;
	if (!holds)
		wrong.add(`${MODE}: ${words}`);
}

// On paper other rules hold than on a screen; here they are laid over those of the screen.
function paper_apply() {
	let rules = '';
	for (const sheet of document.styleSheets)
		for (const rule of sheet.cssRules)
			if (rule instanceof CSSMediaRule && rule.conditionText === 'print')
				for (const inner of rule.cssRules)
					if (inner instanceof CSSStyleRule)
						rules += inner.cssText;
	want(rules !== '', 'there are no rules for paper');
	const style = document.createElement('style');
	style.textContent = rules + ' body { width: 182mm; }';
	document.head.append(style);
}

// How far to the right there is something to be seen.
function edge() {
	return Math.min(innerWidth, document.body.getBoundingClientRect().right);
}

function colour_parse(text) {
	const n = (text.match(/[\d.]+/g) || []).map(Number);
	return text.startsWith('rgb') && n.length >= 3 ? [n[0], n[1], n[2], n.length > 3 ? n[3] : 1] : null;
}
// WCAG 2: relative luminance, and the contrast of two.
function luminance(c) {
	const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a, b) {
	const [x, y] = [luminance(a), luminance(b)];
	return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}
function background(element) {
	for (let e = element; e; e = e.parentElement) {
		const c = colour_parse(getComputedStyle(e).backgroundColor);
		if (c && c[3] === 1)
			return c;
	}
	return [255, 255, 255, 1];
}

// Every piece of text that is there to be seen, with its boxes.
function texts_find(root) {
	const texts = [], walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const node = walk.currentNode, parent = node.parentElement;
		if (!node.data.trim() || !parent.checkVisibility({ visibilityProperty: true }) ||
		    parent.closest('script, style, title, desc'))
			continue;
		const range = document.createRange();
		range.selectNodeContents(node);
		const svg = parent.closest('svg');
		const boxes = svg ? [parent.closest('text').getBoundingClientRect()]
				  : [...range.getClientRects()];
		texts.push({ words: node.data.trim().replace(/\s+/g, ' '), parent, svg, boxes });
	}
	return texts;
}
function overlap(a, b) {
	return Math.min(Math.min(a.right, b.right) - Math.max(a.left, b.left),
			Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
}
// A line's box is higher than what is written in it.
function touches(a, b) {
	return overlap(a, b) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.3 * Math.min(a.height, b.height);
}

function texts_look(texts) {
	for (const text of texts) {
		const style = getComputedStyle(text.parent);
		const ink = colour_parse(text.svg ? style.fill : style.color);
		const paper = background(text.parent);
		want(ink && contrast(ink, paper) >= 4.5,
		     `"${text.words}" is hard to read: ${text.svg ? style.fill : style.color} on rgb(${paper.slice(0, 3)})`);
		const scale = text.svg ? text.svg.getScreenCTM().a : 1;
		want(parseFloat(style.fontSize) * scale >= (MODE === 'narrow' ? 8 : 9), `"${text.words}" is too small to read`);
		for (const box of text.boxes) {
			const scroll = text.parent.closest('.scroll');
			const frame = text.svg ? text.svg.getBoundingClientRect() : null;
			want(!frame || (box.left >= frame.left - 0.5 && box.right <= frame.right + 0.5 &&
					box.top >= frame.top - 0.5 && box.bottom <= frame.bottom + 0.5),
			     `"${text.words}" is cut off by its plot's edge`);
			want((scroll && MODE === 'narrow') || (box.left >= 0 && box.right <= edge() + 0.5),
			     `"${text.words}" is cut off by the page's edge`);
		}
		want(!/\b(NaN|null|undefined)\b|<!--/.test(text.words), `"${text.words}" is no word for a reader`);
	}
	for (let i = 0; i < texts.length; i++)
		for (let k = i + 1; k < texts.length; k++)
			for (const a of texts[i].boxes)
				for (const b of texts[k].boxes)
					if (touches(a, b))
						want(false, `"${texts[i].words}" lies over "${texts[k].words}"`);
	looked += texts.length;
}

const units = /cycles|buffers|bytes|%|µs|seconds?\b|Gbit\/s|packets/;
function plot_look(figure) {
	const svg = figure.querySelector('svg'), name = figure.id, frame = svg.getBoundingClientRect();
	const texts = texts_find(svg);
	const series = [...svg.querySelectorAll('g[id*="_plot_"]')];
	const grid = [...svg.querySelectorAll('path.gridline')].map(p => p.getBoundingClientRect());
	want(frame.width > 200 && frame.height > 100, `${name} is too small`);
	want(grid.length > 2, `${name} has no grid`);
	want(series.length > 0, `${name} shows nothing`);
	const area = {
		left: Math.min(...grid.map(b => b.left)), right: Math.max(...grid.map(b => b.right)),
		top: Math.min(...grid.map(b => b.top)), bottom: Math.max(...grid.map(b => b.bottom)),
	};
	const turned = texts.filter(t => t.boxes[0].height > 1.5 * t.boxes[0].width && t.words.length > 3);
	const below = texts.filter(t => t.boxes[0].top >= area.bottom && !series.some(s => s.querySelector('title').textContent === t.words));
	const number = t => /^[\d.]+( ?[kMG])?$/.test(t.words);
	const ylabel = turned.map(t => t.words).join(' ');
	const xlabel = below.filter(t => !number(t)).map(t => t.words).join(' ');
	want(turned.length === 1, `${name} has no words at its y axis`);
	want(xlabel !== '', `${name} has no words at its x axis`);
	want(units.test(ylabel), `${name}: its y axis has no unit: "${ylabel}"`);
	want(units.test(xlabel) || /frame|program/.test(xlabel), `${name}: its x axis has no unit: "${xlabel}"`);
	want(texts.filter(t => number(t) && t.boxes[0].right <= area.left).length >= 2, `${name} has no figures at its y axis`);
	want(below.length >= 2, `${name} has nothing at its x axis but one word`);
	for (const one of series) {
		const called = one.querySelector('title').textContent;
		want(texts.some(t => t.words === called), `${name}: "${called}" is not in the legend`);
		const shapes = [...one.querySelectorAll('path, use, polygon, rect')];
		const inside = shapes.filter(s => overlap(s.getBoundingClientRect(), { left: area.left - 8, right: area.right + 8, top: area.top - 8, bottom: area.bottom + 8 }) >= 0);
		want(inside.length > 0, `${name}: "${called}" is drawn nowhere`);
		for (const path of one.querySelectorAll('path')) {
			const drawn = getComputedStyle(path), matrix = path.getScreenCTM();
			const ink = colour_parse(drawn.stroke === 'none' ? drawn.fill : drawn.stroke);
			want(ink && contrast(ink, background(figure)) >= 3, `${name}: "${called}" is hard to see`);
			const length = path.getTotalLength();
			for (let at = 0; at <= length; at += 3) {
				const p = path.getPointAtLength(at).matrixTransform(matrix);
				const hit = texts.find(t => t.boxes.some(b => p.x > b.left + 1 && p.x < b.right - 1 && p.y > b.top + 3 && p.y < b.bottom - 3));
				if (hit) {
					want(false, `${name}: "${called}" runs through "${hit.words}"`);
					break;
				}
			}
		}
	}
	const caption = figure.querySelector('figcaption b');
	want(caption && caption.textContent.trim() !== '', `${name} has no title`);
}

function page_look() {
	if (MODE === 'print')
		paper_apply();
	else if (MODE === 'narrow')
		document.body.style.width = '430px';
	else
		want(matchMedia(`(prefers-color-scheme: ${MODE === 'dark' ? 'dark' : 'light'})`).matches, `this is not ${MODE}`);
	// What is folded is read as well.
	document.querySelectorAll('details').forEach(d => { d.open = true; });
	const plots = document.querySelectorAll('figure.plot');
	want(plots.length >= PLOTS, `there are ${plots.length} plots, not ${PLOTS}`);
	plots.forEach(plot_look);
	texts_look(texts_find(document.body));
	want(document.body.scrollWidth <= edge() + 0.5, 'the page is wider than its window');
	if (MODE !== 'narrow')
		for (const scroll of document.querySelectorAll('.scroll'))
			want(scroll.scrollWidth <= scroll.clientWidth + 1, `the table of "${scroll.textContent.slice(0, 20)}" is cut off`);
	const paper = background(document.body);
	want(MODE === 'dark' ? luminance(paper) < 0.1 : luminance(paper) > 0.8, `the page itself is rgb(${paper.slice(0, 3)}) when ${MODE}`);
	want(performance.getEntriesByType('resource').length === 0, 'it fetches something');
	for (const e of document.querySelectorAll('[src], [href]')) {
		const to = e.getAttribute('src') || e.getAttribute('href');
		want(to.startsWith('#') && document.getElementById(to.slice(1)), `${to} leads out of the page or nowhere`);
	}
	const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
	want(new Set(ids).size === ids.length, `an id is there twice: ${ids.find((id, i) => ids.indexOf(id) !== i)}`);
}

addEventListener('load', () => {
	try {
		for (MODE of MODES)
			page_look();
	} catch (error) {
		wrong.add(`looking failed: ${error.stack}`);
	}
	const said = document.createElement('pre');
	said.textContent = ['LOOK BEGINS', ...wrong, `looked at ${looked} things`, 'LOOK ENDS'].join('\n');
	document.body.append(said);
});
