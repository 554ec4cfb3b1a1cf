package access

import (
	"database/sql"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/extract/state"
)

func TestIdentities(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "state"), &clock{t: time.Now()}
	s := openAgain(t, dir, c)
	addPeople(t, s, "P001", "P002", "P003")
	ids := Identities{s}
	study, err := ids.Study(t.Context())
	one, err1 := ids.User(t.Context(), "P001")
	two, err2 := ids.User(t.Context(), "P002")
	if err != nil || err1 != nil || err2 != nil || study.Version() != 4 || one == two || one == study {
		t.Fatalf("%v %v %v, %v %v %v", study, one, two, err, err1, err2)
	}
	again := Identities{openAgain(t, dir, c)} // another process, or the next one
	if got, err := again.Study(t.Context()); got != study || err != nil {
		t.Errorf("Study = %v, %v, want %v", got, err, study)
	}
	if got, err := again.User(t.Context(), "P001"); got != one || err != nil {
		t.Errorf("User = %v, %v, want %v", got, err, one)
	}
	if who, err := again.Participant(t.Context(), two); who != "P002" || err != nil {
		t.Errorf("Participant = %q, %v", who, err)
	}
	all, err := again.Users(t.Context(), []string{"P001", "P002", "P003"})
	if err != nil || all["P001"] != one || all["P002"] != two || len(all) != 3 {
		t.Errorf("Users = %v, %v", all, err)
	}
	for _, unknown := range []uuid.UUID{{}, study, uuid.New()} {
		if who, err := ids.Participant(t.Context(), unknown); err != ErrNobody {
			t.Errorf("Participant(%v) = %q, %v", unknown, who, err)
		}
	}
	for _, nobody := range []string{"P009", "p001", ""} {
		if id, err := ids.User(t.Context(), nobody); err == nil {
			t.Errorf("User(%q) = %v", nobody, id)
		}
	}
}

// Who was erased gets no id any more.
func TestNoIdentityOfTheErased(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	addPeople(t, s, "P001", "P002")
	if _, err := s.Exec(t.Context(), "insert into erasures values ('P001', 'done', 0, 0, '', '')"); err != nil {
		t.Fatal(err)
	}
	ids := Identities{s}
	if all, err := ids.Users(t.Context(), []string{"P001", "P002"}); err != nil || len(all) != 1 || all["P002"] == uuid.Nil {
		t.Errorf("Users = %v, %v, want P002 alone", all, err)
	}
	if id, err := ids.User(t.Context(), "P001"); !errors.Is(err, ErrNobody) {
		t.Errorf("User = %v, %v, want %v", id, err, ErrNobody)
	}
	if n, err := state.One(t.Context(), s, state.ScanText, "select count(*) from api_users"); n != "1" || err != nil {
		t.Errorf("%s ids are kept (%v), want one", n, err)
	}
}

// Who leaves the roster takes their id along.
func TestIdentityGoesWithTheParticipant(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	addPeople(t, s, "P001")
	ids := Identities{s}
	before, err := ids.User(t.Context(), "P001")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Change(t.Context(), func(tx *sql.Tx) ([]state.Act, error) {
		_, err := tx.Exec("delete from participants")
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ids.Participant(t.Context(), before); err != ErrNobody {
		t.Errorf("Participant = %v", err)
	}
	addPeople(t, s, "P001")
	if after, err := ids.User(t.Context(), "P001"); err != nil || after == before {
		t.Errorf("the id of who came again is %v, %v, as before", after, err)
	}
}

// Requests that ask for a new id at once get one and the same.
func TestIdentitiesTogether(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "state"), &clock{t: time.Now()}
	addPeople(t, openAgain(t, dir, c), "P001")
	var mu sync.Mutex
	seen := map[uuid.UUID]bool{}
	var wg sync.WaitGroup
	for range 6 {
		ids := Identities{openAgain(t, dir, c)}
		wg.Go(func() {
			id, err := ids.User(t.Context(), "P001")
			if err != nil {
				t.Errorf("User = %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[id] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("ids: %v", slices.Collect(maps.Keys(seen)))
	}
}
