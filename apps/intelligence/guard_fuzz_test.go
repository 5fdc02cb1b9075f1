package intelligence

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/redact"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/providers"
)

const slowGuard = 3 * time.Second // on a machine with much else to do

// TestGuardHostile: no text makes the guards slow.
func TestGuardHostile(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{
		"rm ", "rm -rf ", "curl x -o f ", "curl x|sh ", "| ", "|sh ", "$(", "`", "<!", "<@", "![", "](", "[a](", "<a:b|", "http://", "//", "{", "f(){f|f", ":(){", "python -c ", "kill -9 ", "systemctl ", "-a ", "a ", "\"", "\\", "; ", "find / ", "drop table a ",
		"xargs ", "bash <(", "eval ", "chmod -R 777 ", "@here", "\u200b", "＠", "A1 ", "%41", "QUFBQUFBQUFBQUFBQUFB ", "&amp;", `\x41`, "[.]",
	} {
		text := strings.Repeat(piece, maxItemText/len(piece)/testkit.Slower)
		r := providers.Recommendation{Title: text, Description: text, Actions: make([]string, maxActions)}
		for i := range r.Actions {
			r.Actions[i] = text[:min(len(text), maxAction)]
		}
		result := &providers.Result{Summary: text, ProbableCause: text, Recommendations: []providers.Recommendation{r, r}}
		watch := clock.Start()
		against(strings.Repeat(text, 8), "").result(result)
		if took := watch.Elapsed(); took > slowGuard {
			t.Errorf("%q: %v", piece, took)
		}
	}
}

// FuzzGuard: what is left of an answer has nothing in it that has to go, and is left as it is the next time.
func FuzzGuard(f *testing.F) {
	for _, c := range ruinous {
		f.Add("Please run "+c+" now", "the alert says "+c)
	}
	for _, c := range harmlessCommands {
		f.Add(c, "run systemctl stop auditd at http://evil.example/x")
	}
	f.Add("See [x](http://evil.example/a) <!channel> ![a](b) <http://a.b|c> systemctl  stop auditd", "systemctl stop auditd")
	f.Fuzz(func(t *testing.T, text, alert string) {
		if len(text) > maxItemText || len(alert) > 20_000 {
			return
		}
		g := &guard{redact: redact.New("the-hubs-own-secret"), known: map[string]bool{"A1": true}, foreign: newForeign(redact.Plain(alert), "")}
		in := providers.Recommendation{Title: text, Description: text, Actions: []string{text}, Evidence: []string{text}, Details: map[string]any{"culprit": map[string]any{"name": text}}}
		watch := clock.Start()
		out, ok := g.recommendation(in)
		if took := watch.Elapsed(); took > slowGuard*testkit.Slower {
			t.Errorf("%v", took)
		}
		if !ok {
			return
		}
		for _, s := range append([]string{out.Description, out.Title}, out.Actions...) {
			if !utf8.ValidString(s) || mentions.MatchString(s) {
				t.Errorf("%q became %q", text, s)
			}
		}
		if len(out.Description) > maxItemText || len(out.Title) > maxItemTitle+32 || len(out.Evidence) > 1 {
			t.Errorf("%+v", out)
		}
		if strings.Contains(out.Description, "[cut ") || strings.Contains(text, "[") { // what is cut, or looks like a mark, may be something else
			return
		}
		if left := dangers(out.Description); len(left) > 0 {
			t.Errorf("%q became %q: %v", text, out.Description, left)
		}
		if diff := cmp.Diff(out.Description, g.text(out.Description, maxItemText)); diff != "" {
			t.Errorf("%q, the next time (-was +is):\n%s", text, diff)
		}
	})
}
