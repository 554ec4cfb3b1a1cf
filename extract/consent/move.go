package consent

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/durable"
)

// bundleSchema is the form of an exported file once it is opened.
const bundleSchema = "dexetl.grants/1"

// Moving takes grants to another machine, and from elsewhere.
type Moving struct {
	base
	tokens *Tokens
}

// A bundle is what an exported file seals.
type bundle struct {
	Schema     string       `json:"schema"`
	ExportedAt time.Time    `json:"exported_at"`
	Grants     []bundleLine `json:"grants"`
}

type bundleLine struct {
	ParticipantID string    `json:"participant_id"`
	Region        string    `json:"region"`
	RefreshToken  string    `json:"refresh_token"`
	ValidFrom     time.Time `json:"valid_from,omitzero"`
	ValidTo       time.Time `json:"valid_to,omitzero"`
}

// A RecipientError says that a text is no age recipient to seal for.
type RecipientError struct{ Text string }

func (e *RecipientError) Error() string {
	return fmt.Sprintf("%.80q is no age recipient: it begins with age1 and is the public key of another study's sealing key", e.Text)
}

// Export writes the grants of participants (none: everybody) into a file, sealed
// for this study's key and, unless it is "", for recipient too, and ends their
// use here: two machines that spend one refresh token lose the consent. It
// returns how many grants left; errors: *RecipientError, fs.ErrExist.
//
// Nothing is lost and no grant is alive twice, whenever the process dies:
//
//  1. the refresh lease of every connection is taken, so that no token is spent;
//  2. the sealed file is made durable under a name that says it is not whole;
//  3. the connections are marked exported, all at once, if each still holds the
//     token in the file; from then on they refuse to be used here;
//  4. the file gets its name.
//
// The tokens stay here, sealed: who exports again gets the same grants, so a
// file that was lost, or not finished, is replaced.
func (mv *Moving) Export(ctx context.Context, path, recipient string, participants []string) (int, error) {
	others, err := recipients(recipient)
	if err != nil {
		return 0, err
	}
	if _, err := os.Lstat(path); err == nil {
		return 0, &os.PathError{Op: "export", Path: path, Err: os.ErrExist}
	}
	owner := mv.register.Store.NewID()
	list, err := mv.leaseAll(ctx, owner, participants)
	defer func() {
		for _, h := range list {
			mv.tokens.release(ctx, h.Connection.ID, mv.register.refreshing(h.Connection.ID, owner))
		}
	}()
	if err != nil || len(list) == 0 {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx)
	sealed, err := mv.bundle(list, others)
	if err != nil {
		return 0, err
	}
	unfinished := path + ".unfinished"
	if err := writeDurably(unfinished, sealed); err != nil {
		return 0, err
	}
	mv.client.reached("export written")
	hashes := make(map[string]string, len(list))
	for _, h := range list {
		hashes[h.Connection.ID] = h.RefreshHash
	}
	if err := mv.markExported(ctx, owner, hashes, recipient); err != nil {
		return 0, errors.Join(fmt.Errorf("export: %w", err), os.Remove(unfinished))
	}
	mv.client.reached("export marked")
	if err := os.Rename(unfinished, path); err != nil {
		return 0, err
	}
	return len(list), durable.SyncFolder(filepath.Dir(path))
}

func recipients(text string) ([]age.Recipient, error) {
	if text == "" {
		return nil, nil
	}
	r, err := age.ParseX25519Recipient(text)
	if err != nil {
		return nil, &RecipientError{text}
	}
	return []age.Recipient{r}, nil
}

// leaseAll takes the refresh leases of the connections to export and returns
// what they hold, answers that a crash left included.
func (mv *Moving) leaseAll(ctx context.Context, owner string, participants []string) (list []held, err error) {
	all, err := mv.register.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Aside || c.Status == Ended || c.Status == NeedsReconsent || !named(participants, c.ParticipantID) {
			continue
		}
		if err := await(ctx, mv.register.refreshing(c.ID, owner)); err != nil {
			return list, fmt.Errorf("participant %s: %w", c.ParticipantID, err)
		}
		if err := mv.tokens.finish(ctx, c.ID); err != nil {
			return append(list, held{Connection: c}), err
		}
		h, err := mv.tokens.read(ctx, c.ID)
		list = append(list, h)
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

func named(participants []string, id string) bool {
	return len(participants) == 0 || slices.Contains(participants, id)
}

// bundle seals what list holds, for the study's own key and others.
func (mv *Moving) bundle(list []held, others []age.Recipient) ([]byte, error) {
	b := bundle{Schema: bundleSchema, ExportedAt: mv.register.now()}
	for _, h := range list {
		b.Grants = append(b.Grants, bundleLine{h.ParticipantID, h.Region, h.Refresh, h.ValidFrom, h.ValidTo})
	}
	plain, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return mv.key.seal(plain, others...)
}

// writeDurably writes a file that nobody else can read, in the place of one
// that an earlier attempt left.
func writeDurably(path string, content []byte) (err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// Sealed reports whether a file begins as a sealed one does, and goes back to
// its start.
func Sealed(file io.ReadSeeker) (bool, error) {
	start := make([]byte, len(armor.Header))
	n, err := io.ReadFull(file, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	return isArmored(start[:n]) || bytes.HasPrefix(start[:n], []byte("age-encryption.org/")), nil
}

func isArmored(start []byte) bool { return string(start) == armor.Header }

// A NotInRosterError says that exported grants are of people whom this study
// does not have.
type NotInRosterError struct{ ParticipantIDs []string }

func (e *NotInRosterError) Error() string {
	return fmt.Sprintf("exported grants: %d of their participants are not in the roster, %s among them; nothing was taken",
		len(e.ParticipantIDs), e.ParticipantIDs[0])
}

// A Takeover says what is in an exported file.
type Takeover struct {
	moving *Moving
	fresh  []tokenImport
	back   []string // connections whose grants left in this very file
}

// Back returns how many of the grants left from here, with the tokens this
// study holds still: to use them is safe only if nobody has used them since.
func (t *Takeover) Back() int { return len(t.back) }

// Open opens an exported file; nothing is stored. One that was sealed for
// another study's key is ErrWrongKey; participants whom the roster does not have
// are a *NotInRosterError.
func (mv *Moving) Open(ctx context.Context, r io.Reader) (*Takeover, error) {
	b, err := mv.openBundle(r)
	if err != nil {
		return nil, err
	}
	t := &Takeover{moving: mv}
	var unknown []string
	for _, line := range b.Grants {
		p, err := mv.register.Cohort.Participant(ctx, line.ParticipantID)
		if missing := (*cohort.UnknownParticipantError)(nil); errors.As(err, &missing) {
			unknown = append(unknown, missing.ID)
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := t.add(ctx, p, line); err != nil {
			return nil, fmt.Errorf("participant %s: %w", p.ID, err)
		}
	}
	if len(unknown) > 0 {
		return nil, &NotInRosterError{unknown}
	}
	return t, nil
}

func (mv *Moving) openBundle(r io.Reader) (b bundle, err error) {
	in := bufio.NewReader(r)
	var sealed io.Reader = in
	if start, _ := in.Peek(len(armor.Header)); isArmored(start) {
		sealed = armor.NewReader(in)
	}
	text, err := io.ReadAll(sealed)
	if err != nil {
		return b, fmt.Errorf("exported grants: %w", errDamagedSeal)
	}
	plain, err := mv.key.open(text)
	if err != nil {
		return b, fmt.Errorf("exported grants: %w", err)
	}
	if json.Unmarshal(plain, &b) != nil || b.Schema != bundleSchema {
		return b, errors.New("exported grants: not a file of connect --export") // its content is no error message
	}
	return b, nil
}

// add sorts a grant to those that come and those that come back.
func (t *Takeover) add(ctx context.Context, p cohort.Participant, line bundleLine) error {
	mv := t.moving
	held, err := mv.exportedAs(ctx, mv.key.hash("refresh", line.RefreshToken))
	if err == nil && held.ParticipantID != p.ID {
		return &OwnerError{ParticipantID: p.ID, ConnectionID: held.ID, Kind: "connection"}
	}
	if err == nil {
		t.back = append(t.back, held.ID)
		return nil
	}
	if !errors.Is(err, ErrNoConnection) {
		return err
	}
	app, err := mv.client.app(line.Region)
	if err != nil {
		if app, err = mv.client.app(p.Region); err != nil {
			return err
		}
	}
	grant, err := mv.key.grant(pair{Refresh: line.RefreshToken}, time.Time{}, 0)
	if err != nil {
		return err
	}
	t.fresh = append(t.fresh, tokenImport{ParticipantID: p.ID, Region: app.Region, Grant: grant, ValidFrom: line.ValidFrom, ValidTo: line.ValidTo})
	return nil
}

// Take takes the grants over, those that come back included. Spends no token;
// new connections wait for Verify.
func (t *Takeover) Take(ctx context.Context) (Imported, error) {
	if err := t.moving.takeBack(ctx, t.back); err != nil {
		return Imported{}, fmt.Errorf("exported grants: %w", err)
	}
	ids, err := t.moving.importTokens(ctx, t.fresh)
	if err != nil {
		return Imported{}, fmt.Errorf("exported grants: %w", err)
	}
	return Imported{ConnectionIDs: ids, Known: len(t.fresh) - len(ids), Back: len(t.back)}, nil
}
