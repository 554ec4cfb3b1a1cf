package page

import (
	"strings"
	"testing"
)

// Each sheet says what it is of; what others wrote stays a string of the style sheet.
func TestMargins(t *testing.T) {
	f := Frame{Study: "DEMO", Title: "P_1-a: profile", Sight: Unblinded, Stamp: Stamp{Snapshot: "12"}}
	if got := string(f.margins()); !strings.Contains(got, `content: "DEMO, P_1-a\3a  profile, snapshot 12, unblinded. Research use`) {
		t.Errorf("the sheets say %s", got)
	}
	if got := cssString("a\"</style>\\\n"); got != `"a\22 \3c \2f style\3e \5c \a "` {
		t.Errorf("quoted, it is %s", got)
	}
}

// Each page says which sight it has.
func TestSightIsSaid(t *testing.T) {
	for sight, want := range map[Sight]string{Usual: "", Blinded: "<strong>Blinded</strong>", Unblinded: "<strong>Unblinded</strong>"} {
		var b strings.Builder
		if err := Write(&b, Frame{Sight: sight}, Dictionary{}); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(b.String(), `class="sight"`); said != (want != "") || !strings.Contains(b.String(), want) {
			t.Errorf("a page that is %s does not say it, or another one does", sight)
		}
	}
}
