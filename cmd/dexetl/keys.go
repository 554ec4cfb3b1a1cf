package main

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

func (p *program) keysCommand() *cli.Command {
	return &cli.Command{
		Name:  "keys",
		Usage: "keys of the API: add, list, revoke",
		Commands: []*cli.Command{
			p.keysAdd(),
			{
				Name: "list", Usage: "all keys, with their rights and when each was last used",
				Action: p.withKeys(func(ctx context.Context, _ *cli.Command, _ *study.Study, keys access.Keys) error {
					return p.listKeys(ctx, keys)
				}),
			},
			{
				Name: "revoke", Usage: "end a key for good", ArgsUsage: keyArg,
				Flags:  []cli.Flag{p.reasonFlag()},
				Action: p.withKeys(p.revokeKey),
			},
		},
	}
}

// keyArg is how usage names an argument that is a key's name.
const keyArg = "NAME"

func (p *program) keysAdd() *cli.Command {
	var name, scope string
	var rights access.Rights
	return &cli.Command{
		Name: "add", Usage: "make a key, which is shown once",
		Description: "Standard output has the key and nothing else, so that it can go into a secret store, or a file (umask 077 first: the shell makes it). " +
			"With --cohort, participants of other cohorts do not exist for the key.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "who or what will use it: a `NAME` that no key has or had", Destination: &name},
			&cli.StringFlag{Name: "scope", Usage: "`SCOPE`: read data, or manage participants, consent and webhooks as well", Destination: &scope},
			&cli.BoolFlag{Name: "notes", Usage: "show free text of events, too", Destination: &rights.Notes},
			&cli.BoolFlag{Name: "unblinded", Usage: "show what a blinded study (study.blinding) hides, too", Destination: &rights.Unblinded},
			&cli.StringFlag{Name: "cohort", Usage: "participants of this `COHORT` alone", Destination: &rights.Cohort},
			p.reasonFlag(),
		},
		Action: p.withKeys(func(ctx context.Context, _ *cli.Command, s *study.Study, keys access.Keys) error {
			switch {
			case name == "":
				return usage("keys add needs --name, such as --name dashboard")
			case scope == "":
				return failure(exitUsage, again("--scope", string(access.Read)), "keys add needs --scope: read, or manage")
			case !slices.Contains(access.Scopes(), access.Scope(scope)):
				return failure(exitUsage, again("--scope", string(access.Read)), "--scope %q: read, or manage", scope)
			}
			rights.Scope = access.Scope(scope)
			return p.addKey(ctx, s, keys, name, rights)
		}),
	}
}

// withKeys opens the study and its keys around a command's action. Keys that a state
// from a backup has working again are ended first.
func (p *program) withKeys(action func(context.Context, *cli.Command, *study.Study, access.Keys) error) cli.ActionFunc {
	return p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
		keys := p.keys(s)
		again, err := keys.RevokeAgain(ctx)
		if err != nil {
			return err
		}
		if len(again) > 0 {
			p.note("state.db is older than the audit trail, and had these keys working again; they are revoked again: %s", study.ShortList(again))
		}
		return action(ctx, c, s, keys)
	})
}

// keys are those of a study. Endpoints of a key that is revoked get nothing more.
func (p *program) keys(s *study.Study) access.Keys {
	return access.Keys{Store: s.Store, Ended: p.endpoints(s).EndOf}
}

func (p *program) addKey(ctx context.Context, s *study.Study, keys access.Keys, name string, rights access.Rights) error {
	secret, k, err := keys.Add(ctx, name, rights)
	if err != nil {
		return err
	}
	if p.flags.json {
		err = p.object(schemas.KeyAdded(), append([]any{k.Name, string(secret)}, rightsCells(k.Rights)...)...)
	} else {
		err = p.put(p.stdout, string(secret))
	}
	if err != nil {
		return errors.Join(err, keys.Revoke(ctx, name)) // nobody has seen it, nor ever will
	}
	p.say("this is key %s, shown this once: keep it as you would a password. Clients send it as x-vital-api-key, or as Authorization: Bearer", name)
	return p.sayNobodyInCohort(ctx, s, rights.Cohort, "key shows nobody yet")
}

// sayNobodyInCohort tells of a key or an endpoint for a cohort that nobody is in: a slip, or
// early. So is what that means.
func (p *program) sayNobodyInCohort(ctx context.Context, s *study.Study, name, so string) error {
	people, err := s.Cohort.Participants(ctx)
	if err == nil && name != "" && !slices.ContainsFunc(people, func(who cohort.Participant) bool { return who.Cohort == name }) {
		p.say("nobody in the roster is in cohort %q, so the %s", name, so)
	}
	return err
}

func (p *program) listKeys(ctx context.Context, keys access.Keys) error {
	all, err := keys.List(ctx)
	if err != nil {
		return err
	}
	t := tableOf(schemas.Keys())
	t.First = []string{"name", "scope", "last_used_at", "revoked_at", "key"}
	for _, k := range all {
		t.Rows = append(t.Rows, append(append([]any{k.Name, k.Shown}, rightsCells(k.Rights)...),
			minute(k.CreatedAt), minute(k.LastUsedAt), minute(k.RevokedAt)))
	}
	if len(all) == 0 && !p.flags.json {
		p.say("there are no keys, so the API is off")
		p.sayNext("keys", "add", "--name", "dashboard", "--scope", "read")
		return nil
	}
	return p.print(t)
}

// rightsCells are rights in the order of schemas.Keys.
func rightsCells(r access.Rights) []any {
	return []any{string(r.Scope), r.Notes, r.Unblinded, orNull(r.Cohort)}
}

func (p *program) revokeKey(ctx context.Context, c *cli.Command, s *study.Study, keys access.Keys) error {
	name, err := one(c, "name")
	if err != nil {
		return err
	}
	all, err := p.endpoints(s).List(ctx)
	if err != nil {
		return err
	}
	if err := keys.Revoke(ctx, name); err != nil {
		return err
	}
	var ended []string
	for _, e := range all {
		if e.Enabled() && e.MadeBy == name {
			ended = append(ended, e.Name())
		}
	}
	if len(ended) > 0 {
		p.note("endpoints that the key made are disabled: %s", study.ShortList(ended))
	}
	return p.report(schemas.KeyRevoked(), []any{name}, "key %s is revoked: whoever sends it is refused from now on", name)
}

// ofKeys are the names of the keys that work.
func (p *program) ofKeys(ctx context.Context) (names []string) {
	s, err := p.stateToRead(ctx)
	if err != nil {
		return nil
	}
	defer s.Close()
	keys, _ := access.Keys{Store: s.Store}.List(ctx)
	for _, k := range keys {
		if k.Works() {
			names = append(names, k.Name)
		}
	}
	return names
}
