package transform

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

type calibrationTable struct {
	w *applier
	recordTable
	glucose *array.Int16Builder
}

func (w *applier) calibrations() *calibrationTable {
	b := w.table(calibrations(), len(w.answer.Body)/otherBytes)
	return &calibrationTable{w, newRecordTable(b), column[*array.Int16Builder](b, "glucose_mgdl")}
}

func (t *calibrationTable) add(r *dexcom.Calibration) *reject {
	w := t.w
	h, bad := w.head(&r.Header)
	if bad != nil {
		return bad
	}
	glucose, bad := w.glucose("value", r.Value, r.Unit)
	if bad != nil {
		return bad
	}
	w.unit(valueUnits, r.Unit, mgdl)
	put(t.glucose, glucose)
	t.put(w, &h, w.extra.json())
	return nil
}
