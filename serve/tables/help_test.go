package tables

import (
	"testing"

	"github.com/dexetl/dexetl/serve/api/apitest"
)

// A series is a study with a lake, behind the routes of its tables.
type series struct {
	*apitest.Series
	tables *Tables
}

type row = apitest.Row

// newSeries makes a study of P001 in cohort A and P002 in cohort B.
func newSeries(t testing.TB) *series {
	t.Helper()
	s := &series{}
	s.Series = apitest.New(t, func(of *apitest.Series) {
		s.tables = &Tables{API: of.API, Reader: of.Reader}
		s.tables.Register()
	})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
