//go:build !race

package consent

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// However much a token endpoint says, it is read in time, and told in few words.
func TestHostileReplies(t *testing.T) {
	const whole = maxReply
	many := func(text string) string {
		var b strings.Builder
		for i := 0; b.Len() < whole-100; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	for name, body := range map[string]string{
		"errors":       `{` + many(`"error":"e#"`) + `}`,
		"names":        `{` + many(`"n#":#`) + `}`,
		"messages":     `{"errors":[` + many(`{"message":"m#"}`) + `]}`,
		"tokens":       `{` + many(`"access_token":"t#"`) + `}`,
		"depth":        `{"error":` + strings.Repeat(`[`, whole/3) + strings.Repeat(`]`, whole/3) + `}`,
		"some depth":   `{"error":` + strings.Repeat(`{"error":`, 9000) + `"x"` + strings.Repeat(`}`, 9001),
		"number":       `{"expires_in":` + strings.Repeat("7", whole-100) + `}`,
		"text":         `{"error":"` + strings.Repeat("x", whole-100) + `"}`,
		"escapes":      `{"error_description":"` + strings.Repeat(`\u001b`, whole/7) + `"}`,
		"form":         strings.ReplaceAll(many(`error#=x#`), ",", "&"),
		"scripts":      "<html>" + strings.Repeat("<script>", whole/8-1),
		"addresses":    strings.Repeat("a@", whole/2-1),
		"no addresses": strings.Repeat("a", whole),
	} {
		began := time.Now()
		r := readReply([]byte(body))
		for _, status := range []int{200, 400, 500} {
			said := r.outcome(status, "some-client-secret")
			if n := utf8.RuneCountInString(said); n > dexcom.WordsLen+60 || strings.ContainsAny(said, "\x1b\n") {
				t.Errorf("%s: %d: %d characters are told: %.300q", name, status, n, said)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}
