package page

import "testing"

func TestCommands(t *testing.T) {
	for sentence, want := range map[string]string{
		"call: is it worn & charged?": "call: is it worn &amp; charged?",
		"send the link: dexetl invite P1, or sign in together: dexetl connect P1 --confirm":    "send the link: <code>dexetl invite P1</code>, or sign in together: <code>dexetl connect P1 --confirm</code>",
		"egvs: an answer was held: dexetl query \"select a, count(*) from b where id = 'P1'\"": "egvs: an answer was held: <code>dexetl query &#34;select a, count(*) from b where id = &#39;P1&#39;&#34;</code>",
		"it said \"<b>\": dexetl doctor; later":                                                "it said &#34;&lt;b&gt;&#34;: <code>dexetl doctor</code>; later",
	} {
		if got := string(commands(sentence)); got != want {
			t.Errorf("%s\nis   %s\nwant %s", sentence, got, want)
		}
	}
}
