package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"github.com/urfave/cli/v3"
)

// globalFlags are those every command takes.
type globalFlags struct {
	study   string
	json    bool
	quiet   bool
	verbose bool
	yes     bool
	wide    bool
	reason  string // of commands with --reason
}

// command builds the command tree.
func (p *program) command() *cli.Command {
	var showVersion bool
	root := &cli.Command{
		Name:            "dexetl",
		Usage:           "a cohort's Dexcom data as Parquet, DuckDB views and metrics",
		Description:     "Start with `dexetl demo`: a simulated cohort through the whole pipeline.",
		Reader:          p.stdin,
		Writer:          &lineBreaker{to: p.stdout, width: cmp.Or(p.widthOf(p.stdout), usualWidth)}, // for help alone
		ErrWriter:       p.stderr,
		Suggest:         true,
		HideVersion:     true, // the library's has no --json
		HideHelpCommand: true,
		ExitErrHandler:  func(context.Context, *cli.Command, error) {},
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "study", Usage: "the study's `DIR` (default: the folder you stand in or one above)", Destination: &p.flags.study},
			&cli.BoolFlag{Name: "json", Usage: "result as JSON", Destination: &p.flags.json},
			&cli.BoolFlag{Name: "wide", Usage: "tables with all columns and texts, as a pipe or a file gets them", Destination: &p.flags.wide},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say nothing but results and errors", Destination: &p.flags.quiet},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "log what happens to standard error", Destination: &p.flags.verbose},
			&cli.BoolFlag{Name: "yes", Usage: "answer questions with yes", Destination: &p.flags.yes},
			&cli.BoolFlag{Name: "version", Usage: "print the version", Local: true, Destination: &showVersion},
		},
		Commands: []*cli.Command{
			p.demoCommand(),
			p.initCommand(),
			p.doctorCommand(),
			p.participantsCommand(),
			p.windowsCommand(),
			p.exclusionsCommand(),
			p.connectCommand(),
			p.inviteCommand(),
			p.planCommand(),
			p.backfillCommand(),
			p.syncCommand(),
			p.refreshCommand(),
			p.replayCommand(),
			p.verifyCommand(),
			p.repairCommand(),
			p.statusCommand(),
			p.runsCommand(),
			p.snapshotsCommand(),
			p.gcCommand(),
			p.queryCommand(),
			p.answerCommand(),
			p.metricsCommand(),
			p.reportCommand(),
			p.backupCommand(),
			p.restoreCommand(),
			p.exportCommand(),
			p.serveCommand(),
			p.keysCommand(),
			p.webhooksCommand(),
			p.withdrawCommand(),
			p.simulateCommand(),
			p.auditCommand(),
			p.schemaCommand(),
			p.versionCommand(),
			p.completionCommand(),
			p.completeCommand(),
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if name := c.Args().First(); name != "" {
				return unknownCommand(c, name)
			}
			if showVersion {
				return p.printVersion()
			}
			return cli.ShowAppHelp(c)
		},
	}
	prepare(root)
	p.nameRunning(root)
	return root
}

// prepare makes every command report wrong usage the same way, arguments for a
// command without ArgsUsage included.
func prepare(c *cli.Command) {
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		return failure(exitUsage, helpOf(c), "%w", wrongFlag(c, err))
	}
	checkValues(c.Flags)
	for _, sub := range c.Commands {
		prepare(sub)
		keepOwn(sub.Flags)
	}
	if c.Action == nil {
		c.Action = func(ctx context.Context, c *cli.Command) error {
			if name := c.Args().First(); name != "" {
				return unknownCommand(c, name)
			}
			return cli.ShowSubcommandHelp(c)
		}
	} else if c.ArgsUsage == "" && len(c.Commands) == 0 {
		c.Action = withoutArguments(c.Action)
	} else if pathArgs.MatchString(c.ArgsUsage) {
		c.Action = withPaths(c.Action)
	}
}

// withoutArguments refuses arguments that action would ignore.
func withoutArguments(action cli.ActionFunc) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		if err := noArguments(c); err != nil {
			return err
		}
		return action(ctx, c)
	}
}

// keepOwn keeps flags from subcommands, which would accept and ignore them.
func keepOwn(flags []cli.Flag) {
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Local = true
		case *cli.BoolFlag:
			f.Local = true
		case *cli.IntFlag:
			f.Local = true
		case *durationFlag:
			f.Local = true
		}
	}
}

// checkValues makes numbers below zero wrong usage, because no flag means anything by them,
// and paths that only a shell knows.
func checkValues(flags []cli.Flag) {
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.IntFlag:
			f.Validator = notNegative
		case *cli.StringFlag:
			if pathFlag.MatchString(f.Usage) {
				f.Validator = notOfShell
			}
		}
	}
}

// How the usage of flags and of arguments says that they are files or folders.
var (
	pathFlag = regexp.MustCompile("`(FILE|DIR|PATH)`")
	pathArgs = regexp.MustCompile(`\b(FILE|DIR|BACKUP|[a-z]+\.csv)\b`)
)

// withPaths refuses such paths among the arguments of action.
func withPaths(action cli.ActionFunc) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		for _, arg := range c.Args().Slice() {
			if err := notOfShell(arg); err != nil {
				return failure(exitUsage, helpOf(c), "%w", err)
			}
		}
		return action(ctx, c)
	}
}

// notOfShell refuses ~ at the beginning of a path, which a shell did not replace because it
// was quoted: a folder of that name would be made.
func notOfShell(path string) error {
	if strings.HasPrefix(path, "~") {
		return fmt.Errorf("%q: ~ is known to shells alone, and not within quotes: write the whole path", path)
	}
	return nil
}

func notNegative(n int) error {
	if n < 0 {
		return fmt.Errorf("%d is below zero", n)
	}
	return nil
}

// logger writes to standard error with -v; else only warnings appear.
func (p *program) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case p.flags.verbose:
		level = slog.LevelDebug
	case p.flags.quiet:
		level = slog.LevelError
	}
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}
