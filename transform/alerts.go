package transform

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

type alertTable struct {
	w *applier
	recordTable
	name, state *array.StringBuilder
}

func (w *applier) alerts() *alertTable {
	b := w.table(alerts(), len(w.answer.Body)/otherBytes)
	return &alertTable{
		w, newRecordTable(b),
		column[*array.StringBuilder](b, "alert_name"),
		column[*array.StringBuilder](b, "alert_state"),
	}
}

func (t *alertTable) add(r *dexcom.Alert) *reject {
	w := t.w
	h, bad := w.head(&r.Header)
	if bad != nil {
		return bad
	}
	putText(t.name, w.enum(alertNames, r.Name))
	putText(t.state, w.enum(alertStates, r.State))
	t.put(w, &h, w.extra.json())
	return nil
}
