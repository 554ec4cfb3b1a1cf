package transform

import "github.com/dexetl/dexetl/extract/dexcom"

// calibrations returns what adds a calibration.
func (w *applier) calibrations() func(*dexcom.Calibration) *reject {
	t := w.table("calibrations", len(w.answer.Body)/otherBytes)
	return func(r *dexcom.Calibration) *reject {
		h, bad := w.head(&r.Header)
		if bad != nil {
			return bad
		}
		glucose, bad := w.glucose("value", r.Value, r.Unit)
		if bad != nil {
			return bad
		}
		w.unit(valueUnits, r.Unit, mgdl)
		w.begin(t, &h)
		put(t, glucose)
		w.end(t, w.extra.json())
		return nil
	}
}
