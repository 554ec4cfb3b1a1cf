package transform

import (
	"fmt"
	"testing"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Whatever might be the id of a record that could not be read is told: a text
// anywhere in it, or a number where the id stands.
func TestUnread(t *testing.T) {
	got := apply(t, answerOf(dexcom.EGVs, pageOf(dexcom.EGVs,
		`{`+when+`,"value":100}`, `{"recordId":"a\u002fb","value":7}`, `{"RecordId":17,"value":8,"of":{"x":["deep"]}}`, `"bare"`, `{"recordId":"c","recordId":"d"}`)))
	told := []string{"a/b", "17", "deep", "bare", "c", "d"}
	for _, text := range told {
		if !got.Unread.Has(text) {
			t.Errorf("Unread lacks %q", text)
		}
	}
	if len(got.Unread) != len(told) || got.Unread.Has("8") || got.Unread.Has("r") {
		t.Errorf("Unread has %d texts, want the %d of %q", len(got.Unread), len(told), told)
	}
}

// Whose an answer is.
func TestUserID(t *testing.T) {
	for _, resource := range append(resources, dexcom.DataRange) {
		for sent, want := range map[string]string{`"userId":"one",`: "one", `"userId":"",`: "", ``: ""} {
			body := fmt.Sprintf(`{"recordType":%q,%s"recordVersion":"3.0","records":[]}`, resource, sent)
			if got := apply(t, answerOf(resource, []byte(body))); got.UserID != want {
				t.Errorf("Apply(%s) is of user %q, want %q", body, got.UserID, want)
			}
		}
	}
}
