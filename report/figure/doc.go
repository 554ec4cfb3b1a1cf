// Package figure draws: numbers in, SVG out, with the numbers as a table beside it. It is
// pure, and knows nothing of studies.
//
// Colours are classes, whose values are those of the page's palette (see package page):
// very-low, low, in-range, high, very-high for glucose. Never does a colour say anything
// alone: there is a word, a pattern or a place, too.
package figure
