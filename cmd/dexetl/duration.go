package main

import (
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/study/config"
)

// A durationFlag is a cli.DurationFlag that also reads days, such as 7d.
type durationFlag = cli.FlagBase[time.Duration, cli.NoConfig, *durationValue]

type durationValue time.Duration

// Create makes the value of a flag.
func (*durationValue) Create(value time.Duration, p *time.Duration, _ cli.NoConfig) cli.Value {
	*p = value
	return (*durationValue)(p)
}

// ToString writes a flag's default.
func (*durationValue) ToString(value time.Duration) string { return call.Spell(value) }

// Set reads what was given to a flag.
func (d *durationValue) Set(text string) error {
	return (*config.Duration)(d).UnmarshalText([]byte(text))
}

// Get is the value as a time.Duration.
func (d *durationValue) Get() any { return time.Duration(*d) }

func (d *durationValue) String() string { return call.Spell(time.Duration(*d)) }
