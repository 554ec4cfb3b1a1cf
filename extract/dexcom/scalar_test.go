package dexcom

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestNumberInt64(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		err  error
	}{
		{"0", 0, nil}, {"-0", 0, nil}, {"101", 101, nil}, {"-1", -1, nil}, {"007", 7, nil}, {"+5", 5, nil},
		{"101.0", 101, nil}, {"-1.00", -1, nil}, {"1.01e2", 101, nil}, {"7.2364324786E10", 72364324786, nil}, {"1010e-1", 101, nil},
		{"72364324786", 72364324786, nil}, // 16 of section 8: above 2^32
		{"9223372036854775807", math.MaxInt64, nil}, {"-9223372036854775808", math.MinInt64, nil},
		{"9223372036854775808", 0, ErrRange}, {"1e19", 0, ErrRange}, {"1e999999999", 0, ErrRange},
		{"1.5", 0, ErrNotWhole}, {"101.00000000000000000000000001", 0, ErrNotWhole}, {"1e-400", 0, ErrNotWhole}, {"1e-9999", 0, ErrNotWhole}, {"1e-999999999", 0, ErrRange},
		{"0e-5", 0, nil}, {strings.Repeat("1", 65), 0, ErrRange},
		{"", 0, ErrNotNumber}, {"-", 0, ErrNotNumber}, {"x", 0, ErrNotNumber}, {"0x10", 0, ErrNotNumber}, {"1_0", 0, ErrNotNumber}, {"NaN", 0, ErrNotNumber},
	} {
		if got, err := Number(test.text).Int64(); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("Number(%.40q).Int64() = %d, %v; want %d, %v", test.text, got, err, test.want, test.err)
		}
	}
}

func TestNumberFloat64(t *testing.T) {
	for _, test := range []struct {
		text string
		want float64
		err  error
	}{
		{"0", 0, nil}, {"-0.5", -0.5, nil}, {"4.50", 4.5, nil}, {"-1.00", -1, nil}, {".5", 0.5, nil}, {"5.", 5, nil}, {"+3e2", 300, nil},
		{"1e-400", 0, nil}, {"1e400", 0, ErrRange},
		{"", 0, ErrNotNumber}, {".", 0, ErrNotNumber}, {"1e", 0, ErrNotNumber}, {"inf", 0, ErrNotNumber}, {"1,5", 0, ErrNotNumber},
		{" 1", 0, ErrNotNumber}, {"0x1p-2", 0, ErrNotNumber}, {"1.2.3", 0, ErrNotNumber},
	} {
		if got, err := Number(test.text).Float64(); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("Number(%q).Float64() = %v, %v; want %v, %v", test.text, got, err, test.want, test.err)
		}
	}
}

// Int64 and Float64 agree with exact arithmetic.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"0", "-1", "101.0", "1.01e2", "9223372036854775807", "1e-3", ".5", "1e400", "x", "1e999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := Number(text)
		i, intErr := n.Int64()
		x, floatErr := n.Float64()
		if !decimal(n) {
			if intErr == nil || floatErr == nil {
				t.Errorf("Number(%q) is %d and %v; want neither", text, i, x)
			}
			return
		}
		if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); found && len(exponent) > 4 {
			return // exact arithmetic would need gigabytes
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("decimal(%q) = true; math/big cannot read it", text)
		}
		if intErr == nil && exact.Cmp(new(big.Rat).SetInt64(i)) != 0 {
			t.Errorf("Number(%q).Int64() = %d", text, i)
		}
		if intErr != nil && exact.IsInt() && exact.Num().IsInt64() && len(text) <= 64 && exact.Num().BitLen() < 64 {
			t.Errorf("Number(%q).Int64(): %v; it is %s", text, intErr, exact.Num())
		}
		if want, err := strconv.ParseFloat(text, 64); floatErr == nil && x != want || (floatErr == nil) != (err == nil) {
			t.Errorf("Number(%q).Float64() = %v, %v; want %v, %v", text, x, floatErr, want, err)
		}
	})
}
