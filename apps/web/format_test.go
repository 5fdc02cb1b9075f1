package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/drivers/registry"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "< 1 ms", 300 * time.Microsecond: "< 1 ms", -time.Second: "< 1 ms", 42 * time.Millisecond: "42 ms", 1500 * time.Millisecond: "1.5 s",
		time.Minute: "1 min", 125 * time.Second: "2 min 5 s", 3*time.Hour + 10*time.Minute: "3 h 10 min", 50 * time.Hour: "2 d 2 h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestTriggerWords(t *testing.T) {
	t.Parallel()
	for trigger, want := range map[string]string{
		`{}`:                                  "Runs for every alert that comes in.",
		`{"on":""}`:                           "Runs for every alert that comes in.",
		`{"on":"webhook","when":"name=='x'"}`: "Runs for every alert that comes in where name=='x'.",
		`{"on":["webhook"]}`:                  "Runs for every alert that comes in.",
		`{"on":["check","webhook"]}`:          "Runs for every alert that comes in, and for those of checks.",
		`{"on":["check","monitor"]}`:          "Runs on: check, monitor.",
		`{"on":"schedule"}`:                   "Runs on: schedule.",
		`{"on":["webhook","check"],"sources":["prod"],"continue":true}`: "Runs for every alert that comes in, and for those of checks by prod; later pipelines may take it, too.",
	} {
		if got := triggerWords(json.RawMessage(`{"trigger":` + trigger + `}`)); got != want {
			t.Errorf("%s: %q, want %q", trigger, got, want)
		}
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var never *time.Time
	for name, tt := range map[string]struct {
		at   any
		word bool
		want string
	}{
		"minutes":   {now.Add(-12 * time.Minute), true, `<time datetime="2026-03-01T11:48:00Z" title="2026-03-01 11:48:00 UTC" data-ago="1">12 min ago</time>`},
		"age":       {now.Add(-3 * time.Hour), false, `<time datetime="2026-03-01T09:00:00Z" title="2026-03-01 09:00:00 UTC" data-ago="">3 h</time>`},
		"now":       {now, true, `<time datetime="2026-03-01T12:00:00Z" title="2026-03-01 12:00:00 UTC" data-ago="1">now</time>`},
		"to come":   {now.Add(90 * time.Second), true, `<time datetime="2026-03-01T12:01:30Z" title="2026-03-01 12:01:30 UTC">in 1 min</time>`},
		"elsewhere": {now.Add(-48 * time.Hour).In(time.FixedZone("", 3600)), false, `<time datetime="2026-02-27T12:00:00Z" title="2026-02-27 12:00:00 UTC" data-ago="">2 d</time>`},
		"never":     {never, true, "–"},
		"zero":      {time.Time{}, true, "–"},
		"no time":   {"x", true, "–"},
	} {
		if got := string(stamp(tt.at, now, tt.word)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1\u2009000", 1234567: "1\u2009234\u2009567", -1000: "-1\u2009000"} {
		if got := num(n); got != want {
			t.Errorf("num(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://a.example/x?y=1": "https://a.example/x?y=1", "http://a": "http://a", "javascript:alert(1)": "", "//a.example": "", "/x": "",
		"data:text/html,x": "", "ftp://a": "", "HTTPS://a.example": "https://a.example", "http://": "", "\x00https://a": "", "https:alert(1)": "",
	} {
		if got := webURL(in); got != want {
			t.Errorf("webURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"json":        {`{"b":1.50,"a":[true,null,"x<y"]}`, `{` + "\n  " + `<span class="k">&#34;b&#34;</span>: <span class="d">1.50</span>,` + "\n  " + `<span class="k">&#34;a&#34;</span>: [` + "\n    " + `<span class="w">true</span>,` + "\n    " + `<span class="w">null</span>,` + "\n    " + `<span class="s">&#34;x&lt;y&#34;</span>` + "\n  ]\n}"},
		"quotes":      {`"a\"b\\"`, `<span class="s">&#34;a\&#34;b\\&#34;</span>`},
		"no json":     {`<script>`, `&lt;script&gt;`},
		"broken text": {"a\xffb", "a\uFFFDb"},
		"nothing":     {"", ""},
	} {
		if got := string(code(tt.in)); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tt.want)
		}
	}
	if got := string(code(`"` + strings.Repeat("x", maxCode) + `"`)); !strings.Contains(got, "cut here") || len(got) > maxCode+1000 {
		t.Errorf("long text: %d bytes", len(got))
	}
}

func FuzzCode(f *testing.F) {
	for _, seed := range []string{`{"a":"</span><script>"}`, `"\u003c"`, "\x00", `[1e9,-0.1,"\\"]`, `<a href="x">`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := string(code(in))
		left := out
		for _, tag := range []string{`<span class="k">`, `<span class="s">`, `<span class="d">`, `<span class="w">`, `</span>`} {
			left = strings.ReplaceAll(left, tag, "")
		}
		if strings.ContainsAny(left, `<>"`) || !utf8.ValidString(out) {
			t.Errorf("%q became %q", in, out)
		}
	})
}

// Any graph can be drawn: whatever the layers and edges, every node is inside the picture and none covers another.
func TestDrawAnything(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f := flow{Layers: 1 + r.IntN(7)}
		for layer := range f.Layers {
			for range 1 + r.IntN(4) {
				f.Nodes = append(f.Nodes, flowNode{ID: fmt.Sprint("n", len(f.Nodes)), Type: []string{"ingest", "condition", "notify", "other"}[r.IntN(4)], Layer: layer})
			}
		}
		for range r.IntN(12) {
			a, b := r.IntN(len(f.Nodes)), r.IntN(len(f.Nodes))
			if f.Nodes[a].Layer < f.Nodes[b].Layer {
				f.Edges = append(f.Edges, flowEdge{From: a, To: b, Label: strings.Repeat("x", r.IntN(40))})
			}
		}
		pic := draw(f, nil)
		seen := map[[2]int]bool{}
		for _, n := range pic.Nodes {
			if n.X < 0 || n.Y < 0 || n.X+nodeW > pic.W || n.Y+nodeH > pic.H || seen[[2]int{n.X, n.Y}] {
				t.Fatalf("node %s at %d,%d in %dx%d of %+v", n.ID, n.X, n.Y, pic.W, pic.H, f)
			}
			seen[[2]int{n.X, n.Y}] = true
		}
	}
	if pic := draw(flow{}, nil); len(pic.Nodes) != 0 {
		t.Errorf("nothing drawn as %+v", pic)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	done := at(30 * time.Minute)
	got := timeline([]alerts.TimelineEntry{
		{At: at(time.Hour), Kind: "alert", Event: "updated", AlertName: "Disk", Details: json.RawMessage(`{"changed":{"severity":["warning","critical"],"labels":[{},{}]}}`)},
		{At: at(2 * time.Hour), Kind: "incident", Event: "severity_raised", Details: json.RawMessage(`{"from":"warning","to":"critical","alert":"Disk"}`)},
		{At: at(26 * time.Hour), Kind: "incident", Event: "note", Actor: "dana", Details: json.RawMessage(`{"text":"hm"}`)},
		{At: at(27 * time.Hour), Kind: "incident", Event: "something_new", Details: json.RawMessage(`[1]`)},
	}, []notify.DeliveryView{
		{ChannelName: "ops", Kind: "firing", State: "dead", Reason: "expired", CreatedAt: at(time.Hour), FinishedAt: &done, Attempts: []notify.AttemptView{{Error: "no answer"}}},
		{Kind: "resolved", State: "pending", CreatedAt: at(10 * time.Minute)},
	}, "", now)
	var lines []string
	for _, e := range got {
		lines = append(lines, strings.Join([]string{e.Day, e.Who, e.Thing, e.Text, e.Note}, "|"))
	}
	want := []string{
		"||a deleted channel|will be told the resolve|", "||ops|could not be told the alert|no answer", "||Disk|changed: labels and severity|",
		"|||Severity raised from warning to critical|Disk", "Yesterday, in UTC|dana||Note|hm", "|||something new|",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if people := timeline(nil, []notify.DeliveryView{{State: "pending"}}, groupPeople, now); len(people) != 0 {
		t.Errorf("people: %+v", people)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`[{"what":"route","name":"direct","result":"match"}]`:                       "Pipeline direct took it: ",
		`[{"what":"route","name":"a","result":"miss","why":"severity is info"}]`:    "Pipeline a did not want it: severity is info",
		`[{"what":"fold","result":"updated","why":"nothing changed"}]`:              "It repeats an alert that fires already: nothing changed",
		`[{"what":"channel","name":"ops","result":"suppressed","why":"silenced"}]`:  "Channel ops: Held back: a silence was on",
		`[{"what":"parse","name":"grafana","result":"rejected","why":"no alerts"}]`: "The reader for Grafana could not use it: no alerts",
		`[{"what":"new_thing","name":"x","result":"some_word"}]`:                    "new thing x: some word: ",
	} {
		got := why(json.RawMessage(raw))
		if len(got) != 1 || got[0].Text+": "+got[0].More != want {
			t.Errorf("%s: %+v, want %q", raw, got, want)
		}
	}
	for _, raw := range []string{"", "null", `{"a":1}`, `[1]`} {
		if got := why(json.RawMessage(raw)); len(got) != 0 {
			t.Errorf("%q: %+v", raw, got)
		}
	}
}

func TestLinkWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"runbook_url": "Runbook", "generatorURL": "Query", "generator": "Query", "incident": "Incident", "grafana_folder": "Grafana folder", "": ""} {
		if got := linkWord(in); got != want {
			t.Errorf("linkWord(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"https://a.example:8443/x?y": "a.example:8443", "%zz": "", "x": ""} {
		if got := hostOf(in); got != want {
			t.Errorf("hostOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"below_min_severity": "less bad than what this channel wants to hear", "http_410": "the receiver answered 410", "not_seen_before": "not seen before",
		"fewer than two of alert_id, alert_type": "fewer than two of alert_id, alert_type", "runbook_url": "Runbook", "smtp_550": "the mail server answered 550",
		"expired: http_503": "it was not sent within the time for retries: the receiver answered 503",
		"expired: refused":  "it was not sent within the time for retries: nothing answered at its address",
	} {
		if got := words(in); got != want {
			t.Errorf("words(%q) = %q, want %q", in, got, want)
		}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if got := due(new(now.Add(-time.Minute)), now); got != "now" {
		t.Errorf("due a minute ago: %q", got)
	}
	if got := string(due(new(now.Add(20*time.Second)), now)); !strings.Contains(got, ">in 20 s<") {
		t.Errorf("due in 20 s: %q", got)
	}
}

func TestTried(t *testing.T) {
	t.Parallel()
	reg, err := registry.New(registry.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	body, err := doc.Decode([]byte(`{"hello":"world"}`), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = reg.Detect(body)
	var none *registry.UnrecognisedError
	if !errors.As(err, &none) {
		t.Fatal(err)
	}
	got := tried(err.Error())
	if got.Text != registry.ErrUnrecognised.Error() || len(got.Tried) != len(none.Tried) {
		t.Fatalf("%+v", got)
	}
	for i, miss := range none.Tried {
		if got.Tried[i] != (label{vendorOf(miss.Driver).Name, miss.Missing}) {
			t.Errorf("%+v, want %+v", got.Tried[i], miss)
		}
	}
	if got := tried("generic: no name; no title"); got.Text != "generic: no name; no title" || got.Tried != nil {
		t.Errorf("%+v", got)
	}
}
