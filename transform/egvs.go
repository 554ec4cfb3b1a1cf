package transform

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Sizes of typical records on the wire, to make room in the builders.
const (
	egvBytes   = 400
	otherBytes = 300
)

type egvTable struct {
	w *applier
	recordTable
	glucose       *array.Int16Builder
	status, trend *array.StringBuilder
	rate          *array.Float64Builder
}

func (w *applier) egvs() *egvTable {
	b := w.table(egvs(), len(w.answer.Body)/egvBytes)
	return &egvTable{
		w:           w,
		recordTable: newRecordTable(b),
		glucose:     column[*array.Int16Builder](b, "glucose_mgdl"),
		status:      column[*array.StringBuilder](b, "status"),
		trend:       column[*array.StringBuilder](b, "trend"),
		rate:        column[*array.Float64Builder](b, "trend_rate_mgdl_min"),
	}
}

func (t *egvTable) add(r *dexcom.EGV) *reject {
	w := t.w
	h, bad := w.head(&r.Header)
	if bad != nil {
		return bad
	}
	glucose, bad := w.glucose("value", r.Value, r.Unit)
	if bad != nil {
		return bad
	}
	rate, bad := w.rate("trendRate", r.TrendRate, r.RateUnit)
	if bad != nil {
		return bad
	}
	w.unit(valueUnits, r.Unit, mgdl)
	w.unit(rateUnits, r.RateUnit, mgdl+"/min")
	put(t.glucose, glucose)
	put(t.rate, rate)
	putText(t.status, w.enum(statuses, r.Status))
	putText(t.trend, w.enum(trends, r.Trend))
	t.put(w, &h, w.extra.json())
	return nil
}
