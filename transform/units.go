package transform

import (
	"bytes"
	"math"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const (
	mgdl = "mg/dL"
	mmol = "mmol/L"

	// mgdlPerMmol converts glucose, whose molar mass is 180.1559 g/mol.
	mgdlPerMmol = 18.01559
)

// MmolL is glucose of mg/dL in mmol/L, rounded to four digits: the mg/dL can be told from
// it again.
func MmolL(mgdL int16) float64 { return math.Round(float64(mgdL)/mgdlPerMmol*1e4) / 1e4 }

// inMmol reports whether unit is mmol/L or a rate in it. No answer was ever
// seen that says so, but Dexcom's list of units does.
func inMmol(unit dexcom.Text) bool {
	return bytes.EqualFold(unit, []byte(mmol)) || bytes.EqualFold(unit, []byte(mmol+"/min"))
}

// glucose is a value in mg/dL for a SMALLINT column. A value in mmol/L is
// converted and rounded, and stays as sent in extra.
func (w *applier) glucose(field string, n dexcom.Number, unit dexcom.Text) (maybe[int16], *reject) {
	if len(n) == 0 {
		w.extra.sentEmpty(field, n)
		return maybe[int16]{}, nil
	}
	if !inMmol(unit) {
		i, bad := whole(field, n, math.MinInt16, math.MaxInt16)
		return some(int16(i)), bad
	}
	f, err := n.Float64()
	converted := math.Round(f * mgdlPerMmol)
	if err != nil || math.Abs(converted) > math.MaxInt16 {
		return maybe[int16]{}, &reject{OutOfRange, field}
	}
	w.extra.sent(field, n)
	return some(int16(converted)), nil
}

// rate is a rate in mg/dL/min.
func (w *applier) rate(field string, n dexcom.Number, unit dexcom.Text) (maybe[float64], *reject) {
	rate, bad := w.float(field, n)
	if rate.ok && inMmol(unit) {
		w.extra.sent(field, n)
		rate.value *= mgdlPerMmol
	}
	return rate, bad
}

// float is a number for a DOUBLE column.
func (w *applier) float(field string, n dexcom.Number) (maybe[float64], *reject) {
	if len(n) == 0 {
		w.extra.sentEmpty(field, n)
		return maybe[float64]{}, nil
	}
	f, err := n.Float64()
	if err != nil {
		return maybe[float64]{}, &reject{OutOfRange, field}
	}
	return some(f), nil
}

// integer is a number for an INTEGER column.
func (w *applier) integer(field string, n dexcom.Number) (maybe[int32], *reject) {
	if len(n) == 0 {
		w.extra.sentEmpty(field, n)
		return maybe[int32]{}, nil
	}
	i, bad := whole(field, n, math.MinInt32, math.MaxInt32)
	return some(int32(i)), bad
}

// whole is a whole number from least to most.
func whole(field string, n dexcom.Number, least, most int64) (int64, *reject) {
	i, err := n.Int64()
	switch {
	case err == dexcom.ErrNotWhole:
		return 0, &reject{NotWhole, field}
	case err != nil || i < least || i > most:
		return 0, &reject{OutOfRange, field}
	}
	return i, nil
}
