package state

import (
	"database/sql"
	"fmt"
	"time"
)

// Micros is t as stored: microseconds, or null for the zero time.
func Micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Instant scans what Micros wrote into t.
func Instant(t *time.Time) sql.Scanner { return instant{t} }

type instant struct{ t *time.Time }

// Scan is for database/sql.
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

// ScanInstant scans a row of one instant.
func ScanInstant(row func(...any) error) (at time.Time, err error) {
	err = row(Instant(&at))
	return at, err
}
