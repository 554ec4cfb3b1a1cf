package main

import (
	"cmp"
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
		return usage("--confirm is for one participant, and --import for a file")
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

// changeover is what --confirm confirms, nil without it. What cannot be is refused
// before anybody signs in.
func (p *program) changeover(ctx context.Context, s *study.Study, who cohort.Participant, o connectOptions) (*consent.Changeover, error) {
	if !o.confirm {
		return nil, nil
	}
	var change consent.Changeover
	var err error
	if o.since != "" {
		if change.Since, err = study.LocalTime(o.since, who); err != nil {
			return nil, usage("--since %w", err)
		}
		if change.Since.After(p.now()) {
			return nil, usage("--since %s is in the future", localInstant(change.Since, who))
		}
	}
	if !o.signsIn() {
		if aside, err := asideOf(ctx, s.Consents, who.ID); err != nil || aside == "" {
			return nil, cmp.Or(err, error(&exitError{exitUsage, "sign in first: what is not certain then is set aside, and can be confirmed", dexetl("connect", who.ID),
				fmt.Errorf("no account of %s is set aside, so there is nothing to confirm", who.ID)}))
		}
	}
	if change.Reason, err = p.reason(p.flags.reason, "connect --confirm"); err != nil {
		return nil, err
	}
	s.Store.By.Reason = change.Reason
	change.Held, err = s.NewestHeld(ctx)
	return &change, err
}

// signsIn reports whether --confirm is about whoever signs in now, not about who did.
func (o connectOptions) signsIn() bool { return o.printURL || o.manual || o.listen != "" }

// asideOf is the newest connection of a participant that was set aside, "" for none.
func asideOf(ctx context.Context, r *consent.Register, id string) (aside string, err error) {
	all, err := r.Connections(ctx)
	for _, c := range all {
		if c.ParticipantID == id && c.Aside {
			aside = c.ID
		}
	}
	return aside, err
}

// confirmOrObtain confirms the grant that was set aside, or asks for a new consent.
func (p *program) confirmOrObtain(ctx context.Context, s *study.Study, g *consent.Grants, id string, o connectOptions) (consent.Found, error) {
	if !o.confirm || o.signsIn() {
		return p.obtainConsent(ctx, s, g, id, o)
	}
	aside, err := asideOf(ctx, g.Register, id)
	if err != nil {
		return consent.Found{}, err
	}
	return g.Accounts.Verify(ctx, aside)
}

// explainChange adds to an error about the wrong account what was seen and what
// can be done; other errors stay as they are.
func (p *program) explainChange(ctx context.Context, s *study.Study, found consent.Found, err error) error {
	id := found.Connection.ParticipantID
	confirm, connect := p.commandLine("connect", id, "--confirm"), p.commandLine("connect", id)
	out := &exitError{code: exitUsage}
	held := ""
	if inUse, ok := errors.AsType[*consent.AccountInUseError](err); ok {
		held = heldWords(ctx, s, inUse.Other)
		out.advice = fmt.Sprintf("if the phone or account passed from %s to %s: %s (--since says when); else sign in with %s's own account: %s",
			inUse.Other, id, confirm, id, connect)
		if !inUse.Ended {
			out.advice = fmt.Sprintf("while it can still be fetched: %s; then, %s", p.commandLine("sync", inUse.Other), out.advice)
		}
	} else if as[*consent.OtherAccountError](err) {
		held = heldWords(ctx, s, id)
		out.advice = fmt.Sprintf("if the account is %s's: %s; else sign in with the first account: %s", id, confirm, connect)
	} else if wrong, ok := errors.AsType[*consent.ChangeoverError](err); ok && wrong.Other != "" {
		out.advice, out.next = "say with --since when it changed: then, or later", again("--since", wrong.NotBefore.Format(time.RFC3339))
		if wrong.Held {
			out.advice += fmt.Sprintf("; records that are not %s's go first: withdraw %s with --effective", wrong.Other, wrong.Other)
		}
	} else {
		return err
	}
	out.err = fmt.Errorf("%w; seen there: %s%s", err, foundWords(found), held)
	return out
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
		p.say("%s's connection %s ended at %s, and the access to its account; what was fetched stays",
			c.ParticipantID, c.ID, c.ValidTo.Format(time.RFC3339))
	}
	return err
}
