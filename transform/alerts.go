package transform

import "github.com/dexetl/dexetl/extract/dexcom"

// alerts returns what adds an alert.
func (w *applier) alerts() func(*dexcom.Alert) *reject {
	t := w.table("alerts", len(w.answer.Body)/otherBytes)
	return func(r *dexcom.Alert) *reject {
		h, bad := w.head(&r.Header)
		if bad != nil {
			return bad
		}
		w.begin(t, &h)
		t.texts(w.enum(alertNames, r.Name), w.enum(alertStates, r.State))
		w.end(t, w.extra.json())
		return nil
	}
}
