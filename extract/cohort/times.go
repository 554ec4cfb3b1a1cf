package cohort

import (
	"fmt"
	"time"
)

const (
	dateLayout  = "2006-01-02"
	localLayout = "2006-01-02T15:04:05"
)

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
