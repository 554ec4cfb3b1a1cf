package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// What a check of the doctor ends with.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

// A finding is what one check found, and what to do about it.
type finding struct {
	check, result, detail string
	advice                string
	next                  step
	code                  int // exit code if it failed
}

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "is everything ready: configuration, secrets, disk, permissions, roster, audit trail, clock, API",
		Description: "Changes nothing and spends no token. The exit code is 0 unless something failed, " +
			"else that of the first failure.",
		Action: func(ctx context.Context, _ *cli.Command) error {
			d := doctor{p: p}
			if err := d.examine(ctx); err != nil {
				return err
			}
			return d.tell()
		},
	}
}

// A doctor examines one study.
type doctor struct {
	p        *program
	study    *study.Study
	findings []finding
}

// examine makes all checks that can be made. Its error is that there is no
// study to examine.
func (d *doctor) examine(ctx context.Context) error {
	dir, err := d.p.findStudy()
	if err != nil {
		return err
	}
	if d.study, err = d.p.openAt(dir); err != nil {
		d.fail("configuration", err)
		return nil // all else depends on it
	}
	d.ok("configuration", "%s", d.study.Path(config.File))
	if err := d.study.Trusted(); err != nil {
		d.fail("permissions", err)
		return nil // nothing it names is run or read
	}
	d.checkDisk()
	d.checkModes()
	leave, err := d.openState(ctx)
	if err != nil {
		d.fail("state", err)
		return nil
	}
	defer leave()
	d.ok("state", "%s", d.study.StatePath())
	people, err := d.study.Cohort.Participants(ctx)
	if err != nil {
		d.fail("roster", err)
		return nil
	}
	d.checkRoster(people)
	d.checkUnset(people)
	d.checkAudit(ctx)
	d.checkRemembered(ctx)
	d.checkLake()
	d.checkTokens(ctx)
	d.checkLinks(ctx)
	if d.p.inDemo == nil || d.checkDemo() {
		d.checkApps(ctx)
	}
	return nil
}

// openState opens a copy of the state, which the function returned removes.
func (d *doctor) openState(ctx context.Context) (leave func(), err error) {
	folder, err := os.MkdirTemp("", "dexetl-doctor-")
	if err != nil {
		return nil, err
	}
	leave = func() { errors.Join(d.study.Close(), os.RemoveAll(folder)) }
	if err := d.study.OpenCopy(ctx, folder); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

func (d *doctor) ok(check, format string, args ...any) {
	d.findings = append(d.findings, finding{check: check, result: checkOK, detail: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(check, advice, format string, args ...any) {
	d.findings = append(d.findings, finding{check: check, result: checkWarn, detail: fmt.Sprintf(format, args...), advice: advice})
}

// fail takes the exit code and what to do from err.
func (d *doctor) fail(check string, err error) {
	e := classified(err)
	d.findings = append(d.findings, finding{check, checkFail, e.Error(), e.advice, e.next, e.code})
}

// tell prints the findings, and returns the first failure.
func (d *doctor) tell() error {
	if err := d.print(); err != nil {
		return err
	}
	failed, first := 0, exitDone
	for _, f := range d.findings {
		if f.result != checkFail {
			continue
		}
		if failed++; failed == 1 {
			first = f.code
		}
	}
	if failed == 0 {
		return nil
	}
	return failure(first, nil, "%d of %d checks failed", failed, len(d.findings))
}

func (d *doctor) print() error {
	if d.p.flags.json {
		t := tableOf(schemas.Doctor())
		for _, f := range d.findings {
			t.Rows = append(t.Rows, []any{f.check, f.result, f.detail, orNull(f.advice), orNull(d.p.spell(f.next))})
		}
		return d.p.print(t)
	}
	for _, f := range d.findings {
		d.p.tell("%-4s  %-22s  %s", f.result, f.check, notOurs(f.detail))
		for _, line := range []struct{ label, text string }{{"advice", f.advice}, {"next", d.p.spell(f.next)}} {
			if line.text != "" {
				d.p.tell("      %-22s  %s: %s", "", line.label, line.text)
			}
		}
	}
	return nil
}

// checkAudit looks whether the audit trail is as it was written.
func (d *doctor) checkAudit(ctx context.Context) {
	const check = "audit trail"
	lines, err := d.study.Store.Trail(ctx)
	if damage, ok := errors.AsType[*state.AuditError](err); ok {
		damage.Path = filepath.Join(d.study.StatePath(), state.AuditFile)
	}
	if err != nil {
		d.fail(check, err)
		return
	}
	held, err := d.study.HoldSnapshots(ctx)
	if err != nil {
		d.fail(check, err)
		return
	}
	lost := strings.Join(mapped(state.Losses(lines), lostLineWords), "; ")
	d.ok(check, "%s, all as written%s%s", countOf(len(lines), "line"), behind("; ", lost), behind("; ", snapshotsWords(held)))
}

// checkRemembered looks whether the state is as new as lake and audit trail are.
func (d *doctor) checkRemembered(ctx context.Context) {
	const check = "state's age"
	if err := d.study.Remembers(ctx); err != nil {
		d.fail(check, err)
		return
	}
	d.ok(check, "it knows every withdrawal and change that lake and audit trail have")
}

// checkRoster looks whether anybody takes part.
func (d *doctor) checkRoster(people []cohort.Participant) {
	if len(people) == 0 {
		d.warn("roster", fillRoster, "nobody is in it yet")
		return
	}
	d.ok("roster", "%s", countOf(len(people), "participant"))
}

// checkLinks looks whether links that programs get over the API lead to serve.
func (d *doctor) checkLinks(ctx context.Context) {
	const check = "links of the API"
	keyed, err := access.Keys{Store: d.study.Store}.Any(ctx)
	listen := d.study.Config.Serve.Listen
	switch elsewhere := d.study.CheckLinks(listen); {
	case err != nil:
		d.fail(check, err)
	case !keyed || listen == "none":
	case elsewhere != nil:
		d.warn(check, linksAdvice(d.study), "%v", elsewhere)
	default:
		d.ok(check, "they lead to serve: %s", d.study.LinkURL(""))
	}
}

// checkTokens looks whether the sealing key opens what is sealed.
func (d *doctor) checkTokens(ctx context.Context) {
	const check = "token store"
	bound, err := d.study.Consents.BoundKey(ctx)
	if err != nil {
		d.fail(check, err)
		return
	}
	if bound == "" {
		d.ok(check, "no sealing key yet: the first connect makes it in %s", d.study.KeyPath())
		return
	}
	key, err := d.study.SealingKey(ctx)
	if err != nil {
		d.fail(check, err)
		return
	}
	n, err := consent.New(d.study.Consents, key, &consent.Client{}).Tokens.CheckSealed(ctx)
	if err != nil {
		d.fail(check, err)
		return
	}
	d.ok(check, "the sealing key opens the tokens of %d connections", n)
}

// behind is words behind others, "" for none.
func behind(mark, words string) string {
	if words == "" {
		return ""
	}
	return mark + words
}
