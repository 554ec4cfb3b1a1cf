//go:build linux || darwin

package table

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

func isNumber(v any) bool {
	switch v.(type) {
	case int, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, *big.Int, duckdb.Decimal:
		return true
	}
	return false
}

// isText reports whether v may be cut, and still tells something.
func isText(v any) bool {
	switch v.(type) {
	case string, []byte, []any, map[string]any, duckdb.OrderedMap, duckdb.Union:
		return true
	}
	return false
}

// Prose is a text for people: where a screen is narrow it is not cut, but goes on in
// the next line.
type Prose string

// Short is a value as a person wants to see it in a terminal.
func Short(v any, kind string) string {
	if f, ok := v.(float64); ok && f == math.Trunc(f*1e4)/1e4 {
		return Full(v, kind)
	} else if ok {
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
	if v == nil {
		return "·"
	}
	return Full(v, kind)
}

// decimal is a number without loss, with an exponent only where people use one, as
// JSON has it.
func decimal(v float64, bits int) string {
	format := byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(v, format, -1, bits)
}

// Full is a value without loss; null is the empty string.
func Full(v any, kind string) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return decimal(v, 64)
	case float32:
		return decimal(float64(v), 32)
	case time.Time:
		return timeText(v, kind)
	case duckdb.Decimal:
		return v.String()
	case []byte:
		return bytesText(v, kind)
	case []any, map[string]any, duckdb.OrderedMap, duckdb.Union, duckdb.Interval:
		text, err := json.Marshal(Value(v, kind)) // of what Value returns nothing fails
		if err != nil {
			return err.Error()
		}
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

// A Moment is a time of ours: to the minute for people, in full in JSON.
type Moment struct{ time.Time }

func (m Moment) String() string { return m.Format("2006-01-02 15:04") }

func timeText(t time.Time, kind string) string {
	switch kind {
	case "DATE":
		return t.Format("2006-01-02")
	case "TIME":
		return t.Format("15:04:05.999999")
	case "TIMESTAMPTZ", "":
		return t.UTC().Format("2006-01-02 15:04:05.999999Z07:00")
	default:
		return t.Format("2006-01-02 15:04:05.999999")
	}
}

// bytesText is a UUID as people write it, or bytes as DuckDB does.
func bytesText(v []byte, kind string) string {
	if kind == "UUID" && len(v) == 16 {
		return fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
	}
	var b strings.Builder
	for _, c := range v {
		if c < 0x20 || c > 0x7e || strings.IndexByte(`\'"`, c) >= 0 {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Value is v, and what is in it, as JSON can have it. Kind is DuckDB's name of
// its type; of what is in it, nobody knows.
func Value(v any, kind string) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case float32:
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'g', -1, 32)
		}
	case time.Time:
		return strings.Replace(timeText(v, kind), " ", "T", 1)
	case duckdb.Decimal:
		return json.Number(v.String())
	case *big.Int:
		return json.Number(v.String())
	case []byte:
		return bytesText(v, kind)
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = Value(x, "")
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(v))
		for name, x := range v {
			fields[name] = Value(x, "")
		}
		return fields
	case duckdb.OrderedMap:
		fields := make(map[string]any, v.Len())
		values := v.Values()
		for i, key := range v.Keys() {
			fields[Full(key, "")] = Value(values[i], "")
		}
		return fields
	case duckdb.Union:
		return Value(v.Value, "")
	}
	return v
}
