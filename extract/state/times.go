package state

import (
	"fmt"
	"time"
)

const (
	dateLayout  = "2006-01-02"
	localLayout = "2006-01-02T15:04:05"
)

// micros is t as stored: microseconds, or null for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// instant scans what micros wrote.
type instant struct{ t *time.Time }

func (s instant) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*s.t = time.Time{}
	case int64:
		*s.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("instant of type %T", v)
	}
	return nil
}

func scanInstant(row func(...any) error) (at time.Time, err error) {
	err = row(instant{&at})
	return at, err
}

// textTime is t in layout, or "" for the zero time.
func textTime(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(layout)
}

// textual scans what textTime wrote.
type textual struct {
	t      *time.Time
	layout string
}

func (s textual) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("date of type %T", v)
	}
	if text == "" {
		*s.t = time.Time{}
		return nil
	}
	t, err := time.Parse(s.layout, text)
	*s.t = t
	return err
}
