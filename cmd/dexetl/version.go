package main

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
)

// version is what the program calls itself in manifests and runs: the module
// version where it was installed as one, else the commit it was built from.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	settings := make(map[string]string)
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	revision := cmp.Or(settings["vcs.revision"], "unknown")
	return "devel-" + revision[:min(12, len(revision))]
}

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print the version",
		Action: func(context.Context, *cli.Command) error { return p.printVersion() },
	}
}

func (p *program) printVersion() error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if p.flags.json {
		return p.object(schemas.Version(), version(), runtime.Version(), platform)
	}
	return p.tell("dexetl %s (%s, %s)", version(), runtime.Version(), platform)
}
