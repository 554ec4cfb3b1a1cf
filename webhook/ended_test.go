package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
)

// addBy adds an endpoint as a key does.
func (b *bench) addBy(host, key string) (Endpoint, error) {
	e, _, err := b.endpoints.Add(b.t.Context(), Endpoint{URL: "https://" + host + "/hook", Rights: unblinded, MadeBy: key}, "")
	return e, err
}

// Endpoints of a key that is revoked get nothing more, and a key that is revoked makes
// none; those of others do not change.
func TestKeyRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		keys := access.Keys{Store: b.store, Ended: b.endpoints.EndOf}
		for _, name := range []string{"mine", "other"} {
			_, _, err := keys.Add(t.Context(), name, access.Rights{Scope: access.Manage})
			check(t, err)
			_, err = b.addBy(name+".example", name)
			check(t, err)
		}
		b.add("a.example", unblinded)
		b.happens(Created(Glucose), "P001")
		check(t, keys.Revoke(t.Context(), "mine"))
		b.run(time.Minute)
		if mine, other, a := len(b.net.to("mine.example")), len(b.net.to("other.example")), len(b.net.to("a.example")); mine != 0 || other != 1 || a != 1 {
			t.Errorf("%d, %d and %d came, want 0, 1 and 1", mine, other, a)
		}
		if _, err := b.addBy("new.example", "mine"); err == nil {
			t.Error("a revoked key adds an endpoint")
		}
		lines, err := b.store.Trail(t.Context())
		check(t, err)
		if l := lines[len(lines)-1]; l.Subject != subject || l.Reason != "key mine is revoked" {
			t.Errorf("the last line of the trail: %+v", l)
		}
		_, err = b.endpoints.Edit(t.Context(), 2, func(e *Endpoint) { e.disable(time.Now(), Failing) })
		check(t, err)
		check(t, keys.Revoke(t.Context(), "other"))
		all, err := b.endpoints.List(t.Context())
		check(t, err)
		if mine, other := all[0], all[1]; mine.Why != Revoked || other.Why != Revoked {
			t.Errorf("disabled because of %s, and %s after it failed, want %s", mine.Why, other.Why, Revoked)
		}
	})
}

// What the trail says was removed, disabled or moved is not told again by a state that
// is older; what a person enables after that is.
func TestEndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		var all []Endpoint
		for i := range 4 {
			all = append(all, b.add(fmt.Sprintf("h%d.example", i), unblinded))
		}
		_, err := b.store.Exec(t.Context(), "create table backup as select * from webhook_endpoints")
		check(t, err)
		check(t, b.endpoints.Remove(t.Context(), all[0].ID))
		_, err = b.endpoints.Disable(t.Context(), all[1].ID)
		check(t, err)
		_, err = b.endpoints.Edit(t.Context(), all[2].ID, func(e *Endpoint) { e.URL = "https://new.example/" })
		check(t, err)
		for _, q := range []string{"delete from webhook_endpoints", "insert into webhook_endpoints select * from backup"} {
			_, err := b.store.Exec(t.Context(), q)
			check(t, err)
		}
		names, err := b.endpoints.EndAgain(t.Context())
		if fmt.Sprint(names) != "[ep1 ep2 ep3]" || err != nil {
			t.Errorf("EndAgain = %v, %v", names, err)
		}
		if now, err := b.endpoints.List(t.Context()); err != nil || now[0].Why != Outdated || now[3].Why != "" {
			t.Errorf("disabled because of %q and %q, %v", now[0].Why, now[3].Why, err)
		}
		_, err = b.endpoints.Enable(t.Context(), all[0].ID)
		check(t, err)
		if names, err := b.endpoints.EndAgain(t.Context()); len(names) > 0 || err != nil {
			t.Errorf("again: %v, %v", names, err)
		}
	})
}

// Nothing is filled or sent while the deliverer is not ready.
func TestNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("a.example", unblinded)
		b.happens(Created(Glucose), "P001")
		began, filled := time.Now(), 0
		d := b.deliverer()
		d.Fill = func(context.Context) error { filled++; return nil }
		d.Ready = func(context.Context) error {
			if time.Since(began) < time.Minute {
				return errors.New("the state is older than its trail")
			}
			return nil
		}
		for _, want := range []int{0, 1} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
			d.Run(ctx)
			cancel()
			if n := len(b.net.to("a.example")); n != want || (filled > 0) != (want > 0) {
				t.Errorf("%d came and %d fillings, want %d", n, filled, want)
			}
		}
	})
}

// An attempt that is given up because the process ends says nothing of the endpoint, and
// is made again.
func TestStoppedWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("a.example", unblinded)
		b.happens(Created(Glucose), "P001")
		b.net.on("a.example", func(received) answered { return answered{status: 200, after: 10 * time.Second} })
		b.run(5 * time.Second)
		if all, err := b.endpoints.List(t.Context()); err != nil || !all[0].FailingSince.IsZero() {
			t.Errorf("an endpoint that had no time to answer fails since %v, %v", all[0].FailingSince, err)
		}
		b.run(time.Minute)
		if got := b.net.to("a.example"); len(got) != 2 || got[0].id() != got[1].id() {
			t.Errorf("%d requests, want the one that was given up again", len(got))
		}
	})
}

// A pass at work sends nothing more of who withdraws, and nothing to where an endpoint
// was before; what is put in after a withdrawal is not.
func TestChangedMeanwhile(t *testing.T) {
	for what, tt := range map[string]struct {
		change func(b *bench, e Endpoint) error
		old    int // requests to the old address
		then   int // to the new one
	}{
		"withdrawn": {func(b *bench, _ Endpoint) error {
			r := consent.Register{Store: b.store, Cohort: &cohort.Cohort{Store: b.store}}
			_, err := r.Withdraw(b.t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: time.Now(), RecordedAt: time.Now()})
			return err
		}, 1, 0},
		"disabled": {func(b *bench, e Endpoint) error { _, err := b.endpoints.Disable(b.t.Context(), e.ID); return err }, 1, 0},
		"removed":  {func(b *bench, e Endpoint) error { return b.endpoints.Remove(b.t.Context(), e.ID) }, 1, 0},
		"moved": {func(b *bench, e Endpoint) error {
			_, err := b.endpoints.Edit(b.t.Context(), e.ID, func(e *Endpoint) { e.URL = "https://new.example/" })
			return err
		}, 1, 10},
		"another cohort": {func(b *bench, _ Endpoint) error {
			_, err := b.store.Exec(b.t.Context(), "update participants set cohort = 'B' where participant_id = 'P001'")
			return err
		}, 1, 0},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer b.store.Close()
				e := b.add("a.example", access.Rights{Unblinded: true, Cohort: "A"})
				for range 10 {
					b.happens(Created(Glucose), "P001")
				}
				b.net.on("a.example", func(received) answered {
					if len(b.net.to("a.example")) == 1 {
						time.Sleep(time.Second)
						check(t, tt.change(b, e))
					}
					return answered{status: map[bool]int{true: 410, false: 200}[what == "moved"]}
				})
				b.run(time.Minute)
				if what == "withdrawn" {
					b.happens(Created(Glucose), "P001")
					b.run(time.Minute)
				}
				if old, then := len(b.net.to("a.example")), len(b.net.to("new.example")); old != tt.old || then != tt.then {
					t.Errorf("%d came and %d to the new address, want %d and %d", old, then, tt.old, tt.then)
				}
			})
		})
	}
}

// Of somebody who is deleted nothing is sent, in a pass at work, later, or by a replay; when
// that is undone, what waited is sent in its order, and a replay has them again.
func TestDeletedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		people := &cohort.Cohort{Store: b.store}
		e := b.add("a.example", unblinded)
		for range 3 {
			b.happens(Created(Glucose), "P001", "P002")
		}
		b.net.on("a.example", func(r received) answered {
			if len(bodies(b.net.to("a.example"), "P001")) == 1 {
				check(t, people.Delete(t.Context(), "P001"))
			}
			return answered{status: 200}
		})
		b.run(time.Minute)
		b.happens(Created(Glucose), "P001", "P002")
		n, err := b.outbox.Replay(t.Context(), e, time.Time{})
		check(t, err)
		b.run(time.Minute)
		all := b.net.to("a.example")
		if gone, other := bodies(all, "P001"), bodies(all, "P002"); n != 4 || len(gone) != 1 || len(other) != 7 {
			t.Errorf("%d replayed, %v came of who is deleted and %v of another, want 4, 1 and 7", n, gone, other)
		}
		check(t, people.Undelete(t.Context(), "P001"))
		b.run(time.Minute)
		if got := bodies(b.net.to("a.example"), "P001"); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
			t.Errorf("when it is undone %v came, want what waited", got)
		}
		if n, err := b.outbox.Replay(t.Context(), e, time.Time{}); n != 8 || err != nil {
			t.Errorf("%d replayed, %v, want 8", n, err)
		}
	})
}

// A study that is blinded now does not tell what was put in before; a replay goes by
// today's cohorts.
func TestRightsOfToday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.store.Close()
		b.add("blind.example", access.Rights{})
		b.add("open.example", unblinded)
		ofA := b.add("a.example", access.Rights{Unblinded: true, Cohort: "A"})
		b.happens(Created(Glucose), "P001", "P002")
		blinded := false
		d := b.deliverer()
		d.Blinding = func() bool { return blinded }
		blinded = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d.Run(ctx)
		if blind, open := len(b.net.to("blind.example")), len(b.net.to("open.example")); blind != 0 || open != 2 {
			t.Errorf("%d and %d came, want 0 and 2", blind, open)
		}
		_, err := b.store.Exec(t.Context(), "update participants set cohort = case participant_id when 'P001' then 'B' else 'A' end")
		check(t, err)
		n, err := b.outbox.Replay(t.Context(), ofA, time.Time{})
		check(t, err)
		b.run(time.Minute)
		if got := b.net.to("a.example"); n != 1 || len(got) != 2 || !slices.Equal(bodies(got, "P002"), []string{"1"}) {
			t.Errorf("%d replayed, %d came", n, len(got))
		}
	})
}

// What was put in stays while there is an endpoint, also one that was added since nobody
// was.
func TestForsake(t *testing.T) {
	b := newBench(t)
	defer b.store.Close()
	e := b.add("a.example", unblinded)
	for _, want := range []bool{true, false} {
		check(t, b.outbox.Forsake(t.Context()))
		if _, ok, err := b.outbox.Position(t.Context()); ok != want || err != nil {
			t.Errorf("position %t, %v, want %t", ok, err, want)
		}
		if want {
			check(t, b.endpoints.Remove(t.Context(), e.ID))
		}
	}
}
