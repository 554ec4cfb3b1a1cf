package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Duration is a time.Duration that also reads days, such as 7d.
type Duration time.Duration

// UnmarshalText reads 7d, 36h or 90m.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// longest is the longest Duration: what is added to a date stays one.
const longest = 36500 * 24 * time.Hour

// ParseDuration reads 7d, 36h or 90m; nothing below zero, and at most 36500d.
func ParseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > int(longest/(24*time.Hour)) {
			return 0, fmt.Errorf("%q is no duration such as 7d or 36h", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > longest {
		return 0, fmt.Errorf("%q is no duration such as 7d or 36h", text)
	}
	return d, nil
}
