package shape

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

func object(t *testing.T, body string) doc.Object {
	t.Helper()
	o, err := doc.Decode([]byte(body), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		want map[string]string
	}{
		"all types": {`{"s":"x","n":1.50,"b":false,"nil":null,"o":{"a":[1]},"l":[]}`, map[string]string{"s": "x", "n": "1.50", "b": "false", "o": `{"a":[1]}`, "l": "[]"}},
		"a list":    {`["a"]`, map[string]string{}},
		"null":      {`null`, map[string]string{}},
		"text":      {`"a:b"`, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Labels(object(t, `{"v":`+tt.in+`}`).Get("v"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   string
		want []Tag
	}{
		"text":             {`"env:prod, url:https://x:8080 ,bare,, empty:"`, []Tag{{"env", "prod", false}, {"url", "https://x:8080", false}, {"bare", "", true}, {"empty", "", false}}},
		"list of texts":    {`["env:prod","bare",5,null]`, []Tag{{"env", "prod", false}, {"bare", "", true}}},
		"list of pairs":    {`[{"tag":"a","value":"b"},{"key":"c","value":1},{"name":"d"},{"value":"e"}]`, []Tag{{"a", "b", false}, {"c", "1", false}, {"d", "", false}}},
		"object":           {`{"a":"b","c":{"d":1}}`, []Tag{{"a", "b", false}, {"c", `{"d":1}`, false}}},
		"JSON in text":     {`"[{\"tag\":\"a\",\"value\":\"b\"}]"`, []Tag{{"a", "b", false}}},
		"an object's text": {`"{\"a\":\"b\"}"`, []Tag{{"a", "b", false}}},
		"broken JSON":      {`"[a:b"`, []Tag{{"[a", "b", false}}},
		"number":           {`5`, nil},
		"empty":            {`""`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Tags(object(t, `{"v":`+tt.in+`}`).Get("v"))); diff != "" {
				t.Error(diff)
			}
		})
	}
	m := map[string]string{}
	SetTags(m, []Tag{{"a", "b", false}, {"c", "", true}}, "tag_")
	if diff := cmp.Diff(map[string]string{"a": "b", "tag_c": "true"}, m); diff != "" {
		t.Error(diff)
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][3]string{
		"[P2] [Triggered on {service:api,env:prod}] Error rate": {"Error rate", "Triggered", "service:api,env:prod"},
		"[Re-Triggered on {host:a}] Error rate":                 {"Error rate", "Re-Triggered", "host:a"},
		"[Triggered] [TEST] Host":                               {"[TEST] Host", "Triggered", ""},
		"[No data] Heartbeat":                                   {"Heartbeat", "No data", ""},
		"[FIRING:2, RESOLVED:1] Disk (db1)":                     {"Disk (db1)", "FIRING", ""},
		"RESOLVED: group/name":                                  {"group/name", "RESOLVED", ""},
		"[FIRING:1]":                                            {"[FIRING:1]", "FIRING", ""},
		"TestAlert: all is down":                                {"TestAlert: all is down", "", ""},
		"[Zabbix] host - Disk":                                  {"[Zabbix] host - Disk", "", ""},
		"  plain ":                                              {"plain", "", ""},
		"[":                                                     {"[", "", ""},
		"":                                                      {"", "", ""},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			name, state, detail := Title(in)
			if got := [3]string{name, state, detail}; got != want {
				t.Errorf("Title = %q, want %q", got, want)
			}
		})
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]event.Severity{
		"P1 - Critical": event.SeverityCritical, "SEV-2": event.SeverityCritical, "sev3": event.SeverityWarning, "Sev 5": event.SeverityInfo,
		"ALERT_CRITICALITY_LEVEL_WARNING": event.SeverityWarning, "High": event.SeverityCritical, "Business hours": "", "": "", "severe": "",
	} {
		if got, known := Level(in); got != want || known != (want != "") {
			t.Errorf("Level(%q) = %q, %v, want %q", in, got, known, want)
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]event.Status{
		" OK ": event.StatusResolved, "No_Data": event.StatusFiring, "PROBLEM": event.StatusFiring, "up": event.StatusResolved,
		"acknowledged": event.StatusFiring, "发生": "", "": "",
	} {
		if got, known := State(in); got != want || known != (want != "") {
			t.Errorf("State(%q) = %q, %v, want %q", in, got, known, want)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" https://x.example.com/a?b=c ": "https://x.example.com/a?b=c", "http://x": "http://x",
		"javascript:alert(1)": "", "?orgId=1": "", "{$ZABBIX.URL}": "", "https://{HOST}": "", "https://": "", "https://x\r\nSet-Cookie: a": "", "ftp://x": "", "": "",
	} {
		if got := Link(in); got != want {
			t.Errorf("Link(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"a": "b"}
	if got, want := Fingerprint(" ", "n", labels), event.Fingerprint("n", labels); got != want {
		t.Errorf("made %q, want %q", got, want)
	}
	if got := Fingerprint(" own ", "n", labels); got != "own" {
		t.Errorf("own = %q", got)
	}
	long := strings.Repeat("x", 256)
	if a, b := Fingerprint(long, "", nil), Fingerprint(long+"y", "", nil); len(a) != 64 || a == b {
		t.Errorf("long ones give %q and %q", a, b)
	}
	if got := Fingerprint(long[:255], "", nil); got != long[:255] {
		t.Errorf("255 bytes give %q", got)
	}
}

func TestFirstLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" a b \r\nc":             "a b",
		strings.Repeat("é", 120): strings.Repeat("é", 120),
		strings.Repeat("é", 121): strings.Repeat("é", 120) + "…",
		"":                       "",
	} {
		if got := FirstLine(in); got != want {
			t.Errorf("FirstLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddRejectsTooManyLabels(t *testing.T) {
	t.Parallel()
	wide := map[string]string{}
	for i := range MaxLabels + 1 {
		wide[strings.Repeat("x", i)] = ""
	}
	var p event.Parsed
	Add(&p, event.Observation{Index: 4, Labels: wide})
	Add(&p, event.Observation{Index: 5})
	want := event.Parsed{
		Observations: []event.Observation{{Index: 5}},
		Rejected:     []event.Rejected{{Index: 4, Reason: "has 1001 labels or annotations, at most 1000 are taken"}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	f := NewFields(func(s string) bool { return s == "$X" }, object(t,
		`{"Trigger-ID":1,"event":{"id":"inner","Host Name":"deep","a":{"b":{"c":"too deep"},"d":"three"}},"event_id":"top","macro":"$X","list":[1],"blank":" ","when":"never","at":1748779000}`))
	for name, want := range map[string]string{
		"triggerid": "1", "eventid": "top", "eventhostname": "deep", "eventad": "three", "eventabc": "", "macro": "", "list": "", "absent": "",
	} {
		if got := f.Str(name); got != want {
			t.Errorf("Str(%q) = %q, want %q", name, got, want)
		}
	}
	if got := f.Str("absent", "blank", "macro", "eventid", "triggerid"); got != "top" {
		t.Errorf("Str = %q, want top", got)
	}
	if diff := cmp.Diff([]string{"1", "top"}, f.Each("triggerid", "macro", "eventid")); diff != "" {
		t.Error(diff)
	}
	if f.Get("macro").Kind() != doc.KindMissing || f.Get("list").Kind() != doc.KindList {
		t.Error("Get does not tell a macro from a list")
	}
	if got, want := f.Time("when", "at"), time.Unix(1748779000, 0).UTC(); got != want {
		t.Errorf("Time = %v, want %v", got, want)
	}
	over := NewFields(nil, object(t, `{"event_id":"over","blank":""}`)).Over(f)
	if over.Str("eventid") != "over" || over.Str("triggerid") != "1" {
		t.Error("Over does not lay one view over the other")
	}
}

func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 3 * maxFields {
		b.WriteString(`,"` + strings.Repeat("a", i%60) + strings.Repeat("b", i/60) + `":1`)
	}
	f := NewFields(nil, object(t, `{"name":"x"`+b.String()+`}`))
	if len(f.m) > maxFields || f.Str("name") != "x" {
		t.Errorf("%d fields, name %q", len(f.m), f.Str("name"))
	}
}
