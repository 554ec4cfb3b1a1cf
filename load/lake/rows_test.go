package lake

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/transform"
)

// march is the month in which test rows lie.
var march = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func tableNamed(t testing.TB, name string) transform.Table {
	t.Helper()
	table, ok := transform.TableNamed(name)
	if !ok {
		t.Fatalf("TableNamed(%q): no such table", name)
	}
	return table
}

// micros is how timestamp columns hold an instant.
func micros(t time.Time) arrow.Timestamp { return arrow.Timestamp(t.UnixMicro()) }

// build makes rows of table: value gives the value of a column in a row, nil
// for null. The caller releases them.
func build(table transform.Table, rows int, value func(row int, column string) any) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for i := range rows {
		for c, column := range table.Columns {
			appendValue(b.Field(c), value(i, column.Name))
		}
	}
	return b.NewRecordBatch()
}

func appendValue(b array.Builder, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(v.(string)); err != nil {
			panic(err)
		}
	case *array.TimestampBuilder:
		b.Append(v.(arrow.Timestamp))
	case *array.Int16Builder:
		b.Append(int16(v.(int)))
	case *array.Int32Builder:
		b.Append(int32(v.(int)))
	case *array.Int64Builder:
		b.Append(int64(v.(int)))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Date32Builder:
		b.Append(arrow.Date32FromTime(v.(time.Time)))
	case *array.ListBuilder:
		b.Append(true)
		for _, n := range v.(list).all() {
			b.ValueBuilder().(*array.Int16Builder).Append(n)
		}
	default:
		panic(fmt.Sprintf("test: no value for %T", b))
	}
}

// egvs makes readings every five minutes of March for n participants, as they
// come out of a backfill: sorted, with ids that never repeat.
func egvs(t testing.TB, participants, perParticipant int) arrow.RecordBatch {
	t.Helper()
	chance := rand.New(rand.NewPCG(1, 2))
	trends := []any{"flat", "fortyFiveUp", "fortyFiveDown", "singleUp"}
	glucose := 120.0
	return build(tableNamed(t, "egvs"), participants*perParticipant, func(row int, column string) any {
		person, i := row/perParticipant, row%perParticipant
		at := march.Add(time.Duration(i)*5*time.Minute + time.Duration(person*7)*time.Second + time.Duration(chance.IntN(3))*time.Second)
		switch column {
		case "participant_id":
			return fmt.Sprintf("P%03d", person)
		case "connection_id":
			return fmt.Sprintf("01JQ0000000000000000000%03d", person)
		case "source":
			return "api"
		case "record_id":
			return uuid(chance)
		case "system_time":
			return micros(at)
		case "display_time":
			return micros(at.Add(-5 * time.Hour))
		case "utc_offset_min":
			return -300
		case "utc_offset_source":
			return "sent"
		case "transmitter_id":
			return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, person, i/2880)))
		case "transmitter_ticks":
			return i%2880*300 + chance.IntN(3)
		case "transmitter_generation":
			return "g7"
		case "display_device":
			return "iOS"
		case "display_app":
			return "G7"
		case "glucose_mgdl":
			glucose = min(max(glucose+chance.NormFloat64()*4, 40), 400)
			return int(glucose)
		case "trend":
			return trends[chance.IntN(100)/70*chance.IntN(4)]
		case "trend_rate_mgdl_min":
			return float64(chance.IntN(40)-20) / 10
		case "request_id":
			return fmt.Sprintf("01JQ1111111111111%04d%05d", i/8640, person)
		case "first_seen_at":
			return micros(march.AddDate(0, 1, 0).Add(time.Duration(person) * time.Second))
		}
		return nil
	})
}

func uuid(chance *rand.Rand) string {
	a, b := chance.Uint64(), chance.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(a), uint16(a>>32), a>>52, 0x8000|uint16(b)&0x3fff, b>>16)
}

// some makes rows of any table with values of every kind, nulls among them.
func some(table transform.Table, rows int, chance *rand.Rand) arrow.RecordBatch {
	columns := map[string]transform.Column{}
	for _, c := range table.Columns {
		columns[c.Name] = c
	}
	return build(table, rows, func(row int, column string) any {
		c := columns[column]
		if c.Nullable && chance.IntN(4) == 0 {
			return nil
		}
		switch {
		case column == "participant_id":
			return fmt.Sprintf("P%04d", row/4)
		case column == table.Time:
			return micros(march.Add(time.Duration(row) * time.Minute))
		}
		return anyValue(c.Type, chance)
	})
}

// A list is a few numbers that can be compared.
type list struct {
	numbers [3]int16
	n       int
}

func listOf(numbers []int16) (l list) {
	l.n = copy(l.numbers[:], numbers)
	return l
}

func (l list) all() []int16 { return l.numbers[:l.n] }

func anyValue(kind arrow.DataType, chance *rand.Rand) any {
	switch kind.ID() {
	case arrow.STRING:
		return []string{"", "a", "ü€𝄞 \"quoted\",\n", uuid(chance), "null"}[chance.IntN(5)]
	case arrow.TIMESTAMP:
		return micros(march.Add(time.Duration(chance.Int64N(int64(365*24*time.Hour)) - int64(180*24*time.Hour))))
	case arrow.DATE32:
		return march.AddDate(0, 0, chance.IntN(1000)-500)
	case arrow.BOOL:
		return chance.IntN(2) == 0
	case arrow.FLOAT64:
		return []float64{0, -0.1, 1e300, chance.NormFloat64()}[chance.IntN(4)]
	case arrow.INT16:
		return chance.IntN(1<<16) - 1<<15
	case arrow.INT32:
		return int(int32(chance.Uint32()))
	case arrow.LIST:
		return listOf(slices.Repeat([]int16{int16(chance.Uint32())}, chance.IntN(4)))
	default:
		return int(chance.Uint64())
	}
}
