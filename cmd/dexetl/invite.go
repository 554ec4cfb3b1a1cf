package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent/page"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// inviteOptions are the flags of `dexetl invite`.
type inviteOptions struct {
	who        selection
	allMissing bool
	baseURL    string
	days       int
	csv        string
	png        string
	revoke     bool
}

func (p *program) inviteCommand() *cli.Command {
	var o inviteOptions
	return &cli.Command{
		Name:      "invite",
		Usage:     "links by which participants connect from their own phone or computer",
		ArgsUsage: "P001… | --all-missing",
		Description: "A link works until it expires, is revoked, or its participant has connected. Whoever " +
			"has it can connect as that participant: send it to nobody else. dexetl connect --serve " +
			"serves the pages behind the links. A new link leaves older ones as they are; --revoke ends them.",
		Flags: append(o.who.flags(),
			&cli.BoolFlag{Name: "all-missing", Usage: "everybody who should be connected and is not; --cohort alone: those of it", Destination: &o.allMissing},
			&cli.IntFlag{Name: "days", Usage: "`DAYS` for which the links work", Value: 14, Destination: &o.days},
			&cli.StringFlag{Name: "base-url", Usage: "`URL` with which links begin (default: connect.public_url of " + config.File + ")", Destination: &o.baseURL},
			&cli.StringFlag{Name: "csv", Usage: "write participant_id,link,expires to `FILE`, for a mail merge; - is standard output", Destination: &o.csv},
			&cli.StringFlag{Name: "png", Usage: "write a QR code P001.png for each link to `DIR`", Destination: &o.png},
			&cli.BoolFlag{Name: "revoke", Usage: "end the links of these participants, and make none", Destination: &o.revoke},
		),
		Commands: []*cli.Command{p.inviteListCommand()},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			p.sayDemo(s)
			o.who.IDs = c.Args().Slice()
			people, err := p.invited(ctx, s, o)
			if err != nil {
				return err
			}
			if o.revoke {
				return p.revokeLinks(ctx, s, people)
			}
			if _, err := s.EditedRows(ctx); err != nil {
				return err
			}
			if err := p.sureOfConnected(ctx, s, people); err != nil {
				return err
			}
			return p.invite(ctx, s, people, o)
		}),
	}
}

// invited are the people whom the arguments mean. Nobody is invited by
// forgetting an argument.
func (p *program) invited(ctx context.Context, s *study.Study, o inviteOptions) ([]cohort.Participant, error) {
	switch {
	case !o.who.narrows() && !o.allMissing:
		return nil, o.nobodyNamed(s)
	case o.allMissing && len(o.who.IDs) > 0:
		return nil, usage("--all-missing and participants exclude each other")
	case o.allMissing && o.revoke:
		return nil, usage("--revoke needs participants or --cohort")
	case o.revoke && (o.csv != "" || o.png != ""):
		return nil, usage("--revoke makes no links to write")
	case o.csv == "-" && p.flags.json:
		return nil, usage("--csv - and --json exclude each other")
	case o.days < 1 || o.days > 365:
		return nil, usage("--days %d: 1 to 365", o.days)
	}
	people, err := o.who.pick(ctx, s)
	if err != nil || o.revoke {
		return people, err
	}
	if people, err = s.LeaveOutWithdrawn(ctx, people, len(o.who.IDs) > 0); err != nil {
		return nil, err
	}
	if !o.allMissing && len(o.who.IDs) > 0 {
		for _, who := range people {
			if !study.Wanted(who) {
				return nil, failure(exitUsage, dexetl("participants", "show", who.ID), "%s is not to be connected: %s", who.ID, whyNotWanted(who))
			}
		}
		return people, nil
	}
	return p.missing(ctx, s, people)
}

// nobodyNamed names everybody who is missing, where that would make links.
func (o inviteOptions) nobodyNamed(s *study.Study) error {
	switch {
	case o.revoke:
		return usage("nobody is named: --revoke needs participants or --cohort")
	case cmp.Or(o.baseURL, s.Config.Connect.PublicURL) == "":
		return usage("nobody is named: participants, or --all-missing")
	}
	return failure(exitUsage, again("--all-missing"), "nobody is named: participants, or --all-missing")
}

// sureOfConnected asks before somebody is invited who is connected: mostly a slip, and
// whoever has the link could connect another account.
func (p *program) sureOfConnected(ctx context.Context, s *study.Study, people []cohort.Participant) error {
	found, err := s.Unconnected(ctx, people)
	if err != nil || len(found.Joined) == 0 {
		return err
	}
	return p.sure(study.ShortList(found.Joined) + ": connected already; whoever gets a new link can connect another account")
}

func whyNotWanted(who cohort.Participant) string {
	if who.Paused {
		return "paused"
	}
	return who.Status
}

// missing are those of people who should be connected and are not, without those who
// are left alone until they are named.
func (p *program) missing(ctx context.Context, s *study.Study, people []cohort.Participant) ([]cohort.Participant, error) {
	found, err := s.Unconnected(ctx, people)
	if err != nil {
		return nil, err
	}
	for _, left := range []struct {
		who []string
		why string
	}{
		{found.Denied, "chose not to share"},
		{found.Doubted, "somebody signed in by their link and did not say that the account is theirs"},
		{found.Aside, "signed in, but with another account that is set aside"},
	} {
		if len(left.who) > 0 {
			p.say("%s, so left out until you name them: %s", left.why, study.ShortList(left.who))
		}
	}
	if len(found.Aside) > 0 {
		p.sayNext(append([]string{"participants", "list", "--needs"}, found.Aside...)...)
	}
	return found.Missing, nil
}

func (p *program) invite(ctx context.Context, s *study.Study, people []cohort.Participant, o inviteOptions) error {
	base := cmp.Or(o.baseURL, s.Config.Connect.PublicURL)
	if base == "" {
		return advised(exitUsage, "set connect.public_url in "+config.File+", or give --base-url https://consent.example.org",
			"the address of the consent pages is not known, so no link can be made")
	}
	if err := config.CheckPublicURL(base); err != nil {
		return usage("--base-url: %w", err)
	}
	out, err := openLinkFiles(o)
	if err != nil {
		return err
	}
	made, err := s.Links(ctx, people, time.Duration(o.days)*24*time.Hour)
	if err != nil {
		return errors.Join(err, out.discard())
	}
	p.sayUnset(s, people)
	links := tableOf(schemas.Links())
	links.Stories = true
	for _, l := range made {
		links.Rows = append(links.Rows, []any{l.ParticipantID, page.LinkURL(base, string(l.Token)), instantOrNull(l.ExpiresAt)})
	}
	if err := errors.Join(out.write(links), out.close()); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	return p.showLinks(links, o)
}

// showLinks prints links that went to no file.
func (p *program) showLinks(links table.Table, o inviteOptions) error {
	n, link := len(links.Rows), ""
	switch {
	case o.csv == "-":
		return links.Write(p.stdout, table.CSV)
	case o.csv != "" || o.png != "":
		return p.report(schemas.Invite(), []any{n, orNull(o.csv), orNull(o.png)},
			"%s made; each is a secret of its participant. The pages behind them: connect --serve ADDR", countOf(n, "link"))
	}
	alone := n == 1 && !p.flags.json && isTerminal(p.stdout)
	if alone {
		links, link = links.Only([]string{"participant_id", "expires"}), fmt.Sprint(links.Rows[0][1])
	}
	if err := p.print(links); err != nil {
		return err
	}
	if n == 0 {
		p.say("everybody who should be connected is")
		return nil
	}
	p.say("each link is a secret of its participant; the pages behind them: connect --serve ADDR")
	if !alone {
		return nil
	}
	return p.showLink(link)
}

// showLink draws a link, for a phone before the screen, and writes it below, where it
// stays in sight.
func (p *program) showLink(link string) error {
	if err := p.printQR(link); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.stdout, link)
	return err
}

func (p *program) revokeLinks(ctx context.Context, s *study.Study, people []cohort.Participant) error {
	revoked := 0
	for _, who := range people {
		n, err := s.Consents.RevokeInvitations(ctx, who.ID)
		if err != nil {
			return err
		}
		revoked += n
	}
	return p.report(schemas.Revoked(), []any{revoked}, "%s revoked", countOf(revoked, "link"))
}

// linkFiles are where links are written to besides standard output.
type linkFiles struct {
	csv *os.File // nil: none
	png string   // folder, "": none
}

// openLinkFiles is called before links are made: a link that cannot be written
// down is better not made. A file with older links, which still work, stays.
func openLinkFiles(o inviteOptions) (linkFiles, error) {
	out := linkFiles{png: o.png}
	if o.png != "" {
		if err := os.MkdirAll(o.png, 0o700); err != nil {
			return out, usage("--png: %w", err)
		}
	}
	if o.csv == "" || o.csv == "-" {
		return out, nil
	}
	var err error
	out.csv, err = os.OpenFile(o.csv, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return out, advised(exitUsage, "move it away, or name another file", "--csv %s exists already, and its links may still work; nothing was done", o.csv)
	}
	if err != nil {
		return out, usage("--csv: %w", err)
	}
	return out, nil
}

func (f linkFiles) write(links table.Table) error {
	if f.csv != nil {
		if err := links.Write(f.csv, table.CSV); err != nil {
			return err
		}
	}
	if f.png == "" {
		return nil
	}
	for _, row := range links.Rows {
		png, err := page.QRImage(fmt.Sprint(row[1]))
		if err == nil {
			err = writeNew(filepath.Join(f.png, fmt.Sprint(row[0])+".png"), png, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// discard takes back the file that openLinkFiles made.
func (f linkFiles) discard() error {
	if f.csv == nil {
		return nil
	}
	return errors.Join(f.csv.Close(), os.Remove(f.csv.Name()))
}

func (f linkFiles) close() error {
	if f.csv == nil {
		return nil
	}
	return f.csv.Close()
}
