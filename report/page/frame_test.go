package page

import (
	"regexp"
	"strings"
	"testing"
)

// What is printed around every sheet cannot leave its text.
func TestMarginsAreText(t *testing.T) {
	f := Frame{Study: `A"} body { display: none } </style>`, Title: "P001\n\\", Sight: Unblinded, Stamp: Stamp{Snapshot: "12"}}
	rules := string(f.margins())
	if !regexp.MustCompile(`^@page { @bottom-left { content: "[\w ,\\]*" } @bottom-center { content: "[\w ,\\]*" } }\n$`).MatchString(rules) || !strings.Contains(rules, "unblinded") {
		t.Errorf("these are not two texts, of which one says unblinded: %s", rules)
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
