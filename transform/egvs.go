package transform

import "github.com/dexetl/dexetl/extract/dexcom"

// Sizes of typical records on the wire, to make room in the builders.
const (
	egvBytes   = 400
	otherBytes = 300
)

// egvs returns what adds an EGV.
func (w *applier) egvs() func(*dexcom.EGV) *reject {
	t := w.table("egvs", len(w.answer.Body)/egvBytes)
	return func(r *dexcom.EGV) *reject {
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
		w.begin(t, &h)
		put(t, glucose)
		t.texts(w.enum(statuses, r.Status), w.enum(trends, r.Trend))
		put(t, rate)
		w.end(t, w.extra.json())
		return nil
	}
}
