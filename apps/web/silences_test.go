package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/silences"
)

// TestSilencePages: from an incident to a silence and to its end.
func TestSilencePages(t *testing.T) {
	t.Parallel()
	h := demo(now())
	h.silenceSome()
	v := visit(t, serve(t, h)).signIn(ownerToken)
	says := func(path string, want ...string) string {
		t.Helper()
		a := v.get(path)
		for _, s := range want {
			if !strings.Contains(a.text, s) {
				t.Errorf("%s does not say %q", path, s)
			}
		}
		return a.text
	}
	says("/silences", "alertname=HighErrorRate", "2 incidents wait", "begins", "Every Sunday night", "&lt;i&gt;eve&lt;/i&gt;", "Maintenance")
	says("/silences?tab=expired", "New disks", "ended by dana")
	incident := h.incidents[0]
	says("/incidents/"+incident.ID.String(), "/silences/new?incident="+incident.ID.String())
	form := says("/silences/new?incident="+incident.ID.String(), incident.Title, "alertname=&#34;HighErrorRate&#34;", "team=&#34;payments&#34;", "12</b> of 431 messages", "&lt;b&gt;other&lt;/b&gt;")
	if strings.Contains(form, "instance=&#34;") {
		t.Error("a label that the alerts do not share is filled in")
	}
	says("/silences/"+h.silences[1].ID.String(), "FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin")
	if over := says("/silences/"+h.silences[3].ID.String(), "New disks"); strings.Contains(over, "End it now") || strings.Contains(over, "Save") {
		t.Error("what is over can be changed")
	}
	says("/ledger?reason=silenced", "Held", "later", `href="/deliveries/`+h.told[0].ID.String()+`"`, "&lt;b&gt;late&lt;/b&gt;")
	token := v.csrf("/silences/new")
	post := func(path string, more url.Values) answer {
		t.Helper()
		f := url.Values{"csrf": {token}, "matchers": {"a=b\r\nc=~\"d|e\""}, "ends": {"2h"}, "kind": {"silence"}, "comment": {"deploy"}}
		maps.Copy(f, more)
		return v.do(http.MethodPost, path, f)
	}
	made := post("/silences", nil)
	if made.StatusCode != http.StatusSeeOther {
		t.Fatalf("create: %d %s", made.StatusCode, made.text)
	}
	want := silences.Input{Kind: "silence", Matchers: []string{"a=b", `c=~"d|e"`}, Comment: "deploy", Duration: 2 * time.Hour}
	if diff := cmp.Diff(want, h.silenced[len(h.silenced)-1]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	says(made.Header.Get("Location"), "It holds for every message from now on")
	for name, tt := range map[string]struct {
		form url.Values
		want silences.Input
	}{
		"until":      {url.Values{"ends": {"at"}, "ends_at": {"2026-11-30 18:00"}}, silences.Input{EndsAt: time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)}},
		"resolved":   {url.Values{"ends": {"resolved"}}, silences.Input{UntilResolved: true}},
		"unused":     {url.Values{"ends": {"unused"}, "unused_for": {"3h"}}, silences.Input{UnusedFor: 3 * time.Hour}},
		"recurrence": {url.Values{"ends": {"windows"}, "recurrence.rrule": {"FREQ=DAILY"}, "recurrence.duration": {"1h"}, "starts_at": {"2026-12-01"}}, silences.Input{Recurrence: &silences.Recurrence{RRule: "FREQ=DAILY", Duration: "1h"}, StartsAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		if a := post("/silences", tt.form); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
		tt.want.Kind, tt.want.Matchers, tt.want.Comment = "silence", want.Matchers, want.Comment
		if diff := cmp.Diff(tt.want, h.silenced[len(h.silenced)-1]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	before := len(h.silences)
	for name, tt := range map[string]struct {
		form   url.Values
		status int
		want   string
	}{
		"preview":     {url.Values{"do": {"preview"}}, 200, "12</b> of 431 messages"},
		"idle":        {url.Values{"do": {"preview"}, "matchers": {`team="nobody"`}}, 200, "It matches no alert now.</b></p><p class=\"small\">Nothing that fires has <code>team=&#34;nobody&#34;</code>"},
		"bad matcher": {url.Values{"matchers": {"nonsense"}}, 422, "Line 1: there is no ="},
		"no time":     {url.Values{"ends": {"at"}}, 422, "Say when, such as 2026-11-30 18:00"},
		"bad time":    {url.Values{"ends": {"at"}, "ends_at": {"tomorrow"}}, 422, "Write it as 2026-11-30 18:00"},
		"no length":   {url.Values{"ends": {"unused"}}, 422, "Say for how long"},
	} {
		if a := post("/silences", tt.form); a.StatusCode != tt.status || !strings.Contains(a.text, tt.want) {
			t.Errorf("%s: %d, without %q", name, a.StatusCode, tt.want)
		}
	}
	for matchers, want := range map[string]string{"nonsense": "Line 1: there is no =", `team="nobody"`: "It matches no alert now."} { // while it is typed
		f := url.Values{"csrf": {token}, "matchers": {matchers}, "ends": {"2h"}, "kind": {"silence"}, "do": {"preview"}}
		a := v.do(http.MethodPost, "/silences", f, "HX-Request", "true")
		if _, effect, _ := strings.Cut(a.text, `id="effect"`); a.StatusCode != http.StatusOK || !strings.Contains(effect, want) {
			t.Errorf("%s while it is typed: %d, without %q beside the form", matchers, a.StatusCode, want)
		}
	}
	if len(h.silences) != before {
		t.Error("what is wrong, or only looked at, was stored")
	}
	path := "/silences/" + h.silences[len(h.silences)-2].ID.String()
	if a := post(path, url.Values{"version": {"9"}}); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "somebody changed this silence") {
		t.Errorf("another version: %d", a.StatusCode)
	}
	// What was not touched stays: seconds, and an end that the form does not show.
	both := &h.silences[len(h.silences)-3]
	both.StartsAt, both.EndsAt, both.UnusedFor = both.StartsAt.Add(7*time.Second), now().Add(47*time.Minute+11*time.Second), 3*time.Hour
	shown := url.Values{"version": {"1"}, "starts_at": {both.StartsAt.Format("2006-01-02 15:04")}, "ends_at": {both.EndsAt.Format("2006-01-02 15:04")}, "unused_for": {"3h"}}
	for name, tt := range map[string]struct {
		change url.Values
		want   silences.Input
	}{
		"nothing":  {url.Values{"ends": {"unused"}}, silences.Input{EndsAt: both.EndsAt, UnusedFor: 3 * time.Hour}},
		"an end":   {url.Values{"ends": {"unused"}, "ends_at": {"2030-01-01 10:00"}}, silences.Input{EndsAt: time.Date(2030, 1, 1, 10, 0, 0, 0, time.UTC), UnusedFor: 3 * time.Hour}},
		"a length": {url.Values{"ends": {"2h"}}, silences.Input{Duration: 2 * time.Hour}},
		"at once":  {url.Values{"ends": {"2h"}, "starts_at": {""}}, silences.Input{Duration: 2 * time.Hour, AtOnce: true}},
	} {
		f := maps.Clone(shown)
		maps.Copy(f, tt.change)
		f.Set("version", strconv.FormatInt(both.Version, 10))
		if a := post("/silences/"+both.ID.String(), f); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
		tt.want.Kind, tt.want.Matchers, tt.want.Comment = "silence", want.Matchers, want.Comment
		if diff := cmp.Diff(tt.want, h.silenced[len(h.silenced)-1]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if a := post(path, url.Values{"version": {"1"}}); a.StatusCode != http.StatusSeeOther {
		t.Errorf("save: %d", a.StatusCode)
	}
	if a := v.do(http.MethodPost, path+"/expire", url.Values{"csrf": {token}}); a.StatusCode != http.StatusSeeOther || h.silences[len(h.silences)-2].Status != silences.Expired {
		t.Errorf("expire: %d", a.StatusCode)
	}
	for _, none := range []string{"/silences/x", "/silences/new?incident=x"} {
		if a := v.get(none); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", none, a.StatusCode)
		}
	}
}
