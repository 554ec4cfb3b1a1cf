package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
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
		Description: "A link works until it expires, is revoked, or its participant has connected. Whoever\n" +
			"has it can connect as that participant: send it to nobody else. dexetl connect --serve\n" +
			"serves the pages behind the links. A new link leaves older ones as they are; --revoke ends them.",
		Flags: append(o.who.flags(),
			&cli.BoolFlag{Name: "all-missing", Usage: "everybody who should be connected and is not; --cohort alone: those of it", Destination: &o.allMissing},
			&cli.IntFlag{Name: "days", Usage: "`DAYS` for which the links work", Value: 14, Destination: &o.days},
			&cli.StringFlag{Name: "base-url", Usage: "`URL` with which links begin (default: connect.public_url of " + configFile + ")", Destination: &o.baseURL},
			&cli.StringFlag{Name: "csv", Usage: "write participant_id,link,expires to `FILE`, for a mail merge; - is standard output", Destination: &o.csv},
			&cli.StringFlag{Name: "png", Usage: "write a QR code P001.png for each link to `DIR`", Destination: &o.png},
			&cli.BoolFlag{Name: "revoke", Usage: "end the links of these participants, and make none", Destination: &o.revoke},
		),
		Commands: []*cli.Command{p.inviteListCommand()},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study) error {
			o.who.ids = c.Args().Slice()
			people, err := p.invited(ctx, s, o)
			if err != nil {
				return err
			}
			if o.revoke {
				return p.revokeLinks(ctx, s, people)
			}
			if _, err := p.editedRows(ctx, s); err != nil {
				return err
			}
			return p.invite(ctx, s, people, o)
		}),
	}
}

// invited are the people whom the arguments mean. Nobody is invited by
// forgetting an argument.
func (p *program) invited(ctx context.Context, s *study, o inviteOptions) ([]cohort.Participant, error) {
	switch {
	case !o.who.narrows() && !o.allMissing:
		return nil, failure(exitUsage, "dexetl invite --all-missing", "nobody is named: participants, or --all-missing")
	case o.allMissing && len(o.who.ids) > 0:
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
	people, err := o.who.pick(ctx, s.cohort)
	if err != nil || o.revoke {
		return people, err
	}
	if people, err = p.leaveOutWithdrawn(ctx, s, people, len(o.who.ids) > 0); err != nil {
		return nil, err
	}
	if !o.allMissing && len(o.who.ids) > 0 {
		for _, who := range people {
			if !wanted(who) {
				return nil, failure(exitUsage, "dexetl participants show "+who.ID, "%s is not to be connected: %s", who.ID, whyNotWanted(who))
			}
		}
		return people, nil
	}
	return p.missing(ctx, s, people)
}

// wanted reports whether a participant is to be connected.
func wanted(who cohort.Participant) bool {
	return !who.Paused && extract.Part{Status: who.Status}.Going()
}

func whyNotWanted(who cohort.Participant) string {
	if who.Paused {
		return "paused"
	}
	return who.Status
}

// missing are those of people who should be connected and are not. Who said no
// is left alone until named, and so is who signed in with an account that waits
// for somebody to confirm it.
func (p *program) missing(ctx context.Context, s *study, people []cohort.Participant) ([]cohort.Participant, error) {
	standings, err := s.consents.Progress(ctx)
	if err != nil {
		return nil, err
	}
	aside, err := s.setAside(ctx)
	if err != nil {
		return nil, err
	}
	var missing []cohort.Participant
	var saidNo, doubted, unsure []string
	for _, who := range people {
		over, err := s.leftOut(who, false, p.now())
		if err != nil {
			return nil, err
		}
		switch standing := standings[who.ID]; {
		case !wanted(who), over != "", standing == consent.Joined, standing == consent.Waiting:
		case standing == consent.Denied:
			saidNo = append(saidNo, who.ID)
		case standing == consent.Doubted:
			doubted = append(doubted, who.ID)
		case aside[who.ID]:
			unsure = append(unsure, who.ID)
		default:
			missing = append(missing, who)
		}
	}
	if len(saidNo) > 0 {
		p.say("chose not to share, so left out until you name them: %s", shortList(saidNo))
	}
	if len(doubted) > 0 {
		p.say("somebody signed in by their link and did not say that the account is theirs, so left out until you name them: %s", shortList(doubted))
	}
	if len(unsure) > 0 {
		p.say("signed in, but with another account that is set aside, so left out until you name them: %s\nnext: dexetl participants list --needs", shortList(unsure))
	}
	return missing, nil
}

// setAside are the participants with an account that nobody has confirmed.
func (s *study) setAside(ctx context.Context) (map[string]bool, error) {
	all, err := s.consents.Connections(ctx)
	aside := make(map[string]bool)
	for _, c := range all {
		if c.Aside && c.Status != consent.Ended {
			aside[c.ParticipantID] = true
		}
	}
	return aside, err
}

func (p *program) invite(ctx context.Context, s *study, people []cohort.Participant, o inviteOptions) error {
	base := cmp.Or(o.baseURL, s.config.Connect.PublicURL)
	if base == "" {
		return advised(exitUsage, "set connect.public_url in "+configFile+", or give --base-url https://consent.example.org",
			"the address of the consent pages is not known, so no link can be made")
	}
	if err := checkPublicURL(base); err != nil {
		return usage("--base-url: %w", err)
	}
	out, err := openLinkFiles(o)
	if err != nil {
		return err
	}
	links, err := s.links(ctx, people, base, time.Duration(o.days)*24*time.Hour)
	if err != nil {
		return errors.Join(err, out.discard())
	}
	if err := errors.Join(out.write(links), out.close()); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	return p.showLinks(links, o)
}

// A personalLink is a link as it is handed out: a secret.
type personalLink struct {
	participantID string
	url           string
	expires       time.Time
}

func (l personalLink) row() []any { return []any{l.participantID, l.url, instantOrNull(l.expires)} }

// links makes a link for each of people. It needs the sealing key, no app.
func (s *study) links(ctx context.Context, people []cohort.Participant, base string, life time.Duration) ([]personalLink, error) {
	key, err := consent.OpenKey(ctx, s.keyPath(), s.consents)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(people))
	for i, who := range people {
		ids[i] = who.ID
	}
	made, err := consent.New(s.consents, key, &consent.Client{}).Links.Invite(ctx, ids, life)
	links := make([]personalLink, len(made))
	for i, l := range made {
		links[i] = personalLink{l.ParticipantID, page.LinkURL(base, string(l.Token)), l.ExpiresAt}
	}
	return links, err
}

// showLinks prints links that went to no file.
func (p *program) showLinks(links []personalLink, o inviteOptions) error {
	t := table{schema: "dexetl.links/1", columns: []string{"participant_id", "link", "expires"}}
	for _, l := range links {
		t.rows = append(t.rows, l.row())
	}
	switch {
	case o.csv == "-":
		return t.write(p.stdout, asCSV)
	case o.csv != "" || o.png != "":
		return p.report("dexetl.invite/1", map[string]any{"links": len(links), "csv": orNull(o.csv), "png": orNull(o.png)},
			"%s made; each is a secret of its participant. Where they lead: dexetl connect --serve ADDR", countOf(len(links), "link"))
	}
	if err := p.print(t); err != nil {
		return err
	}
	if len(links) == 0 {
		p.say("everybody who should be connected is")
		return nil
	}
	p.say("each link is a secret of its participant; the pages behind them: dexetl connect --serve ADDR")
	if len(links) == 1 && !p.flags.json && isTerminal(p.stdout) {
		return p.printQR(links[0].url)
	}
	return nil
}

func (p *program) revokeLinks(ctx context.Context, s *study, people []cohort.Participant) error {
	revoked := 0
	for _, who := range people {
		n, err := s.consents.RevokeInvitations(ctx, who.ID)
		if err != nil {
			return err
		}
		revoked += n
	}
	return p.report("dexetl.revoked/1", map[string]any{"links": revoked}, "%s revoked", countOf(revoked, "link"))
}

// countOf is n things in words: 1 link, 2 links.
func countOf(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
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

func (f linkFiles) write(links []personalLink) error {
	if f.csv != nil {
		if err := writeLinks(f.csv, links); err != nil {
			return err
		}
	}
	if f.png == "" {
		return nil
	}
	for _, l := range links {
		if err := writeQR(filepath.Join(f.png, l.participantID+".png"), l.url); err != nil {
			return err
		}
	}
	return nil
}

func writeLinks(to io.Writer, links []personalLink) error {
	out := csv.NewWriter(to)
	_ = out.Write([]string{"participant_id", "link", "expires"}) // Error tells
	for _, l := range links {
		_ = out.Write([]string{l.participantID, l.url, fmt.Sprint(instantOrNull(l.expires))})
	}
	out.Flush()
	return out.Error()
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
