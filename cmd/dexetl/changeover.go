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

// mayConnect finds the participant. Who is no longer asked for anything need
// not sign in.
func (p *program) mayConnect(ctx context.Context, s *study, id string) (cohort.Participant, error) {
	who, err := s.cohort.Participant(ctx, id)
	if err != nil {
		return who, err
	}
	if err := s.cohort.Standing(ctx, who.ID); err != nil {
		return who, err
	}
	if edited, err := p.editedRows(ctx, s); err != nil || edited != nil && edited.names(who.ID) {
		return who, cmp.Or[error](err, edited)
	}
	course, err := s.course(who, time.Time{})
	if err == nil && !course.Asked {
		err = failure(exitUsage, "dexetl participants import roster.csv  # if that is wrong",
			"%s is %s in the roster: nothing would be fetched", who.ID, who.Status)
	}
	return who, err
}

// changeover is what --confirm confirms, nil without it.
func (s *study) changeover(ctx context.Context, who cohort.Participant, o connectOptions) (*consent.Changeover, error) {
	if !o.confirm {
		return nil, nil
	}
	var since time.Time
	if o.since != "" {
		var err error
		if since, err = localTime("--since", o.since, who); err != nil {
			return nil, err
		}
	}
	held, err := s.newestHeld(ctx)
	return &consent.Changeover{Since: since, Held: held, Reason: strings.TrimSpace(o.reason)}, err
}

// newestHeld is the newest record in the lake of each connection; empty for a
// lake that nothing was loaded into.
func (s *study) newestHeld(ctx context.Context) (map[string]time.Time, error) {
	held := make(map[string]time.Time)
	t, err := s.queryOnly(ctx, []string{"egvs", "events", "calibrations", "alerts"}, "", `
		select connection_id, max(system_time) from (
			select connection_id, system_time from egvs union all
			select connection_id, system_time from events union all
			select connection_id, system_time from calibrations union all
			select connection_id, system_time from alerts
		) group by 1`)
	if as[*emptyLakeError](err) {
		return held, nil
	}
	for _, row := range t.rows {
		held[fmt.Sprint(row[0])], _ = row[1].(time.Time)
	}
	return held, err
}

// confirmOrObtain confirms the grant that was set aside, if there is one and
// no other way to sign in was asked for; else it asks for a new consent.
func (p *program) confirmOrObtain(ctx context.Context, s *study, g *consent.Grants, id string, o connectOptions) (consent.Found, error) {
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
func (s *study) explainChange(ctx context.Context, found consent.Found, err error) error {
	id := found.Connection.ParticipantID
	again := fmt.Sprintf("dexetl connect %s --confirm --reason TEXT", id)
	held := ""
	switch {
	case as[*consent.AccountInUseError](err):
		inUse, _ := errors.AsType[*consent.AccountInUseError](err)
		held = s.heldWords(ctx, inUse.Other)
		again = fmt.Sprintf("if the phone or account passed from %s to %s, %s --since DATETIME; else sign in with %s's own account: dexetl connect %s",
			inUse.Other, id, again, id, id)
		if !inUse.Ended {
			again = fmt.Sprintf("dexetl sync %s while it can still be fetched; then, %s", inUse.Other, again)
		}
	case as[*consent.OtherAccountError](err):
		held = s.heldWords(ctx, id)
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
func (s *study) heldWords(ctx context.Context, id string) string {
	newest, _ := s.newestHeld(ctx) // only adds to what is said
	all, _ := s.consents.Connections(ctx)
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

// sayWhatEnded tells of the connections that gave way, and leaves no trace of
// their tokens.
func (p *program) sayWhatEnded(ctx context.Context, s *study, before []consent.Connection) error {
	live := make(map[string]bool)
	for _, c := range before {
		live[c.ID] = c.Status != consent.Ended
	}
	now, err := s.consents.Connections(ctx)
	if err != nil {
		return err
	}
	for _, c := range now {
		if live[c.ID] && c.Status == consent.Ended {
			p.say("%s's connection %s ended at %s, its tokens are destroyed; what was fetched stays",
				c.ParticipantID, c.ID, c.ValidTo.Format(time.RFC3339))
		}
	}
	_, err = s.store.Scrub(ctx)
	return err
}
