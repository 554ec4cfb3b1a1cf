package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/call"
)

// A Duration is a time.Duration that also reads days, such as 7d.
type Duration time.Duration

// UnmarshalText reads 7d, 36h or 90m.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := parseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// A durationFlag is a cli.DurationFlag that also reads days.
type durationFlag = cli.FlagBase[time.Duration, cli.NoConfig, *Duration]

// Create makes the value of a flag.
func (*Duration) Create(value time.Duration, p *time.Duration, _ cli.NoConfig) cli.Value {
	*p = value
	return (*Duration)(p)
}

// ToString writes a flag's default.
func (*Duration) ToString(value time.Duration) string { return call.Spell(value) }

// Set reads what was given to a flag.
func (d *Duration) Set(text string) error { return d.UnmarshalText([]byte(text)) }

// Get is the value as a time.Duration.
func (d *Duration) Get() any { return time.Duration(*d) }

func (d *Duration) String() string { return call.Spell(time.Duration(*d)) }

func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is no duration such as 7d or 36h", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration such as 7d or 36h", text)
	}
	return d, nil
}
