package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study"
)

// check refuses flags that do not go together.
func (o connectOptions) check() error {
	switch {
	case o.confirm && o.tokens != "":
		return usage("--confirm is for one participant: dexetl connect P001 --confirm --reason TEXT")
	case o.confirm && strings.TrimSpace(o.reason) == "":
		return usage("--confirm needs --reason TEXT: why the account changes goes on record")
	case !o.confirm && o.since != "":
		return usage("--since goes with --confirm")
	case count(o.export != "", o.tokens != "", o.publicKey, o.manual) > 1:
		return usage("--export, --import, --public-key and --manual exclude each other")
	case o.recipient != "" && o.export == "":
		return usage("--recipient says for whom --export seals: give --export FILE, too")
	}
	return nil
}

// count is how many of given are true.
func count(given ...bool) (n int) {
	for _, is := range given {
		if is {
			n++
		}
	}
	return n
}

// changeover is what --confirm confirms, nil without it.
func changeover(ctx context.Context, s *study.Study, who cohort.Participant, o connectOptions) (*consent.Changeover, error) {
	if !o.confirm {
		return nil, nil
	}
	var since time.Time
	if o.since != "" {
		var err error
		if since, err = study.LocalTime(o.since, who); err != nil {
			return nil, usage("--since %w", err)
		}
	}
	held, err := s.NewestHeld(ctx)
	return &consent.Changeover{Since: since, Held: held, Reason: strings.TrimSpace(o.reason)}, err
}

// confirmOrObtain confirms the grant that was set aside, if there is one and
// no other way to sign in was asked for; else it asks for a new consent.
func (p *program) confirmOrObtain(ctx context.Context, s *study.Study, g *consent.Grants, id string, o connectOptions) (consent.Found, error) {
	if o.confirm && !o.printURL && !o.manual && o.listen == "" {
		all, err := g.Register.Connections(ctx)
		if err != nil {
			return consent.Found{}, err
		}
		aside := ""
		for _, c := range all {
			if c.ParticipantID == id && c.Aside {
				aside = c.ID // the newest
			}
		}
		if aside != "" {
			return g.Accounts.Verify(ctx, aside)
		}
	}
	return p.obtainConsent(ctx, s, g, id, o)
}

// explainChange adds to an error about the wrong account what was seen and what
// can be done; other errors stay as they are.
func explainChange(ctx context.Context, s *study.Study, found consent.Found, err error) error {
	id := found.Connection.ParticipantID
	again := fmt.Sprintf("dexetl connect %s --confirm --reason TEXT", id)
	held := ""
	switch {
	case as[*consent.AccountInUseError](err):
		inUse, _ := errors.AsType[*consent.AccountInUseError](err)
		held = heldWords(ctx, s, inUse.Other)
		again = fmt.Sprintf("if the phone or account passed from %s to %s, %s --since DATETIME; else sign in with %s's own account: dexetl connect %s",
			inUse.Other, id, again, id, id)
		if !inUse.Ended {
			again = fmt.Sprintf("dexetl sync %s while it can still be fetched; then, %s", inUse.Other, again)
		}
	case as[*consent.OtherAccountError](err):
		held = heldWords(ctx, s, id)
		again = fmt.Sprintf("if the account is %s's, %s; else sign in with the first account: dexetl connect %s", id, again, id)
	case as[*consent.ChangeoverError](err):
		wrong, _ := errors.AsType[*consent.ChangeoverError](err)
		if wrong.Other != "" {
			again += " --since " + wrong.NotBefore.Format(time.RFC3339) + ", or later"
		}
		if wrong.Held {
			again += fmt.Sprintf("; records that are not %s's go first: dexetl withdraw %s --stop --effective DATETIME --reason TEXT", wrong.Other, wrong.Other)
		}
	default:
		return err
	}
	return advised(exitUsage, again, "%w; seen there: %s%s", err, foundWords(found), held)
}

// heldWords say up to when data of a participant are held.
func heldWords(ctx context.Context, s *study.Study, id string) string {
	newest, _ := s.NewestHeld(ctx) // only adds to what is said
	all, _ := s.Consents.Connections(ctx)
	var last time.Time
	for _, c := range all {
		if c.ParticipantID == id && newest[c.ID].After(last) {
			last = newest[c.ID]
		}
	}
	if last.IsZero() {
		return "; nothing is held of " + id
	}
	return fmt.Sprintf("; held of %s: up to %s", id, instantOrNull(last))
}

// foundWords are what an account shows: device, first and last reading.
func foundWords(found consent.Found) string {
	device := "no device"
	if len(found.Devices) > 0 {
		device = deviceWords(found.Devices[0])
	}
	readings := found.Ranges.EGVs
	if readings == nil {
		return device + ", no readings"
	}
	return fmt.Sprintf("%s, readings from %s to %s", device, instantOrNull(readings.Start), instantOrNull(readings.End))
}

func deviceWords(d consent.Device) string {
	return strings.Join(strings.Fields(d.Display+" "+d.Generation+" "+d.App), " ")
}

// sayWhatEnded tells of the connections that gave way.
func (p *program) sayWhatEnded(ctx context.Context, s *study.Study, before []consent.Connection) error {
	ended, err := s.Ended(ctx, before)
	for _, c := range ended {
		p.say("%s's connection %s ended at %s, its tokens are destroyed; what was fetched stays",
			c.ParticipantID, c.ID, c.ValidTo.Format(time.RFC3339))
	}
	return err
}
