// Package page makes HTML of what a report has to show: pages that need no script and no
// network, and print on A4 and Letter. A page's model is a type with its words and figures;
// its template stands beside it.
package page
