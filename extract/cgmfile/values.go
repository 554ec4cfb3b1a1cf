package cgmfile

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

// parseValue reads a number; empty and NA are none. A decimal comma is read if
// comma says so. A kind is what is wrong.
func parseValue(cell []byte, comma bool) (value float64, wrong Kind) {
	if len(cell) == 0 || string(cell) == "NA" {
		return math.NaN(), ""
	}
	if v, ok := short(cell, comma); ok {
		return v, ""
	}
	if !isNumber(cell, comma) {
		if isWord(cell) {
			return 0, WordForValue
		}
		return 0, NotANumber
	}
	v, err := strconv.ParseFloat(string(bytes.Replace(cell, []byte{','}, []byte{'.'}, 1)), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, NotANumber
	}
	return v, ""
}

// short reads a number such as 153 or 7.8 exactly; it is what nearly all are.
func short(cell []byte, comma bool) (value float64, ok bool) {
	powers := [...]float64{1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8}
	if len(cell) > len(powers) {
		return 0, false
	}
	digits, point := 0, -1
	for i, b := range cell {
		switch {
		case isDigit(b):
			digits = 10*digits + int(b-'0')
		case point < 0 && i > 0 && i < len(cell)-1 && (b == '.' || comma && b == ','):
			point = i
		default:
			return 0, false
		}
	}
	if point < 0 {
		return float64(digits), true
	}
	return float64(digits) / powers[len(cell)-1-point], true
}

// isNumber reports whether cell is made of a sign, digits with one point among
// them, and an exponent: nothing else that strconv reads is a number here.
func isNumber(cell []byte, comma bool) bool {
	if points := bytes.Count(cell, []byte{'.'}) + bytes.Count(cell, []byte{','}); points > 1 {
		return false
	}
	return !slices.ContainsFunc(cell, func(b byte) bool {
		return !isDigit(b) && b != '.' && b != '+' && b != '-' && b != 'e' && b != 'E' && (b != ',' || !comma)
	})
}

// isWord reports whether cell is what exports say beyond a sensor's range.
func isWord(cell []byte) bool {
	return slices.ContainsFunc([]string{"low", "high", "lo", "hi"}, func(word string) bool {
		return bytes.EqualFold(cell, []byte(word))
	})
}
