package page

import "github.com/dexetl/dexetl/report/figure"

// A Dictionary is the page that says what everything means.
type Dictionary struct {
	Metrics []Metric
	Tables  []DescribedTable
}

// A Metric is one of the catalogue.
type Metric struct {
	Name, Definition string
	Facts            []string // unit, share of what, parameters, edge cases, version: those that there are
	Sources          []Source
}

// A Source is where a definition comes from.
type Source struct {
	Text string // author and year
	DOI  string // empty: it has none
	More string // what else is said of it
}

// A DescribedTable is a table or view with its columns.
type DescribedTable struct {
	Name, Means string
	Columns     figure.Table
}

func (Dictionary) template() string { return "dictionary" }
