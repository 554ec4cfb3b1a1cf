//go:build linux || darwin

package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"strings"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/page"
)

// writeDictionary writes what everything means, of the codebook and the catalogue of
// metrics of this program.
func (w *work) writeDictionary(ctx context.Context) (err error) {
	var d page.Dictionary
	if d.Metrics, err = w.catalogue(ctx); err != nil {
		return err
	}
	if d.Tables, err = codebook(); err != nil {
		return err
	}
	return w.putPage(dictionaryPath, "Data dictionary", d)
}

// catalogue are all metrics.
func (w *work) catalogue(ctx context.Context) (all []page.Metric, err error) {
	t, err := w.ask(ctx, `select metric, definition, citation, unit, denominator, loinc, parameters, edge_cases, version, views
from metric_catalogue`)
	if err != nil {
		return nil, err
	}
	for _, row := range t.Rows {
		said := make([]string, len(row))
		for i, value := range row {
			said[i], _ = value.(string)
		}
		m := page.Metric{Name: said[0], Definition: said[1], Sources: sources(said[2])}
		for i, label := range []string{"Unit", "Share of", "LOINC", "Parameters", "Edge cases", "Version", "In"} {
			if text := said[3+i]; text != "" && !(label == "Unit" && text == "1") {
				m.Facts = append(m.Facts, label+": "+text+".")
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// sources are those of a citation, such as "Nathan 2008, doi 10.2337/dc08-0545; own definition".
func sources(citation string) (all []page.Source) {
	for one := range strings.SplitSeq(citation, "; ") {
		author, rest, hasDOI := strings.Cut(one, ", doi ")
		s := page.Source{Text: author}
		if hasDOI {
			s.DOI, s.More, _ = strings.Cut(rest, ",")
			if s.More != "" {
				s.More = "," + s.More
			}
		}
		all = append(all, s)
	}
	return all
}

// codebook are all tables and views with their columns.
func codebook() (all []page.DescribedTable, err error) {
	lines, err := csv.NewReader(bytes.NewReader(snapshot.WholeCodebook())).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, line := range lines[1:] {
		relation, column, kind, null, comment := line[0], line[1], line[2], line[3], line[4]
		if column == "" {
			all = append(all, page.DescribedTable{Name: relation, Means: comment,
				Columns: figure.Table{Name: relation, Columns: figure.Words("column", "type", "null", "what it is")}})
			continue
		}
		of := &all[len(all)-1].Columns
		of.Rows = append(of.Rows, []string{column, kind, null, comment})
	}
	return all, nil
}
