package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

func (p *program) initCommand() *cli.Command {
	var region, baseURL string
	return &cli.Command{
		Name:        "init",
		Usage:       "make a study folder with a commented dexetl.yaml",
		ArgsUsage:   "[DIR]",
		Description: "If no DIR is given, it is that of --study, else the folder you stand in. A study that is there stays as it is.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "region", Usage: "us, eu, jp or sandbox", Value: "us", Destination: &region},
			&cli.StringFlag{Name: "base-url", Usage: "`URL` of another API, such as the one of `dexetl simulate`", Destination: &baseURL},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			dir, err := p.newFolder(c)
			if err != nil {
				return err
			}
			p.flags.study = dir // what comes next is about it
			return p.initStudy(cmp.Or(dir, "."), region, baseURL)
		},
	}
}

// newFolder is the folder that a command makes, by its argument or --study; empty:
// neither is given.
func (p *program) newFolder(c *cli.Command) (string, error) {
	dir, named := c.Args().First(), p.flags.study
	if c.Args().Len() > 1 {
		return "", usage("%s makes one folder, got %q", c.Name, c.Args().Slice())
	}
	if dir != "" && named != "" && filepath.Clean(dir) != filepath.Clean(named) {
		return "", usage("%s makes one folder, got %q and --study %q", c.Name, dir, named)
	}
	return cmp.Or(dir, named), nil
}

func (p *program) initStudy(dir, region, baseURL string) error {
	values := config.Values{StudyID: config.NameOf(dir), History: "from_study_start", Region: region}
	if _, ok := config.Hosts()[region]; !ok {
		return usage("--region %q: us, eu, jp or sandbox", region)
	}
	if baseURL != "" {
		if err := (&dexcom.Client{BaseURL: baseURL}).Check(); err != nil {
			return usage("--base-url: %w", err)
		}
		values.Region, values.BaseURL = "", baseURL
	}
	simulated := config.IsLoopback(baseURL)
	if simulated {
		values.ClientID = dexsim.DefaultClientID
	}
	if err := writeStudy(dir, values); err != nil {
		return err
	}
	if err := p.report(schemas.Init(), []any{dir}, "study folder %s is ready", dir); err != nil {
		return err
	}
	written, distrust, err := config.Load(dir, p.getenv)
	if err = cmp.Or(distrust, err); err != nil {
		p.say("%v", err) // nothing else runs before it is mended
		if next := nextOf(err); next != nil {
			p.say("next: %s", p.spell(next))
		}
	}
	if words := unsetOnPages(study.UnsetOnPages(written)); words != "" {
		p.say("%s", words)
	}
	if simulated {
		secret := filepath.Join(dir, "client-secret")
		switch err := writeSimulatedSecret(secret); {
		case errors.Is(err, fs.ErrExist):
			p.say("%s is there and stays as it is; the simulator takes %s", secret, dexsim.DefaultClientSecret)
		case err != nil:
			return err
		default:
			p.say("client id and secret are those of the simulator")
		}
		p.sayNext("participants", "add", "P001", "--start", "2026-01-01")
		return nil
	}
	p.say("put the app's client id into %s and its secret into %s (mode 0600)",
		filepath.Join(dir, config.File), filepath.Join(dir, "client-secret"))
	p.sayNext("doctor")
	return nil
}

// writeSimulatedSecret writes the secret that dexetl simulate takes. A file that
// is there may hold a real one: it stays, and the error is fs.ErrExist.
func writeSimulatedSecret(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, dexsim.DefaultClientSecret)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("client secret: %w", err)
	}
	return nil
}

// writeStudy makes dir with its configuration; an existing study stays as it is.
func writeStudy(dir string, values config.Values) error {
	err := config.Write(dir, values)
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrNotExist) {
		return usage("%w", err)
	}
	if errors.Is(err, fs.ErrExist) {
		return failure(exitUsage, dexetl("participants", "list"), "%s exists already; nothing was changed", filepath.Join(dir, config.File))
	}
	return err
}
