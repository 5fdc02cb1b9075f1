package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

func TestChannelForm(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	made := w.post("/channels", "driver", "generic", "name", "ops", "description", "the bridge", "min_severity", "warning",
		"config.endpoint", " https://chat.example.com/h ", "config.method", "PUT", "config.timeout", "7.5", "config.secret", "canary-1", "config.sign", "true",
		"config.headers.name", "Authorization", "config.headers.value", "Bearer canary-2", "config.headers.name", "X-Team", "config.headers.value", "blue",
		"config.headers.name", "", "config.headers.value", "")
	if made.StatusCode != http.StatusSeeOther {
		t.Fatalf("make: %d %s", made.StatusCode, made.text)
	}
	c := w.channel("ops")
	path := "/channels/" + c.ID.String()
	if got := made.Header.Get("Location"); got != path+"?done=made" {
		t.Errorf("leads to %s", got)
	}
	sealed := map[string]string{"secret": "canary-1", "headers.Authorization": "Bearer canary-2"}
	settings := func() map[string]any {
		var m map[string]any
		if err := json.Unmarshal(w.channel("ops").Config.V, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	hidden := map[string]any{"configured": true}
	want := map[string]any{
		"endpoint": "https://chat.example.com/h", "method": "PUT", "timeout": 7.5, "secret": hidden, "sign": true,
		"headers": map[string]any{"Authorization": hidden, "X-Team": "blue"},
	}
	if diff := cmp.Diff(want, settings()); diff != "" || c.MinSeverity != "warning" || c.Description != "the bridge" || !c.IsActive {
		t.Errorf("%+v\n%s", c, diff)
	}
	if diff := cmp.Diff(sealed, w.sealed("channels", c.ID)); diff != "" {
		t.Error(diff)
	}
	page := w.get(path)
	for _, says := range []string{`value="https://chat.example.com/h"`, `value="7.5"`, `<option value="PUT" selected`, "Configured; empty keeps it", `value="blue"`, `name="config.sign" value="true" checked`} {
		if !strings.Contains(page.text, says) {
			t.Errorf("the form does not hold %q", says)
		}
	}
	if strings.Contains(page.text, "canary") {
		t.Error("the form holds a secret")
	}

	// Empty secrets are kept; a row that is emptied goes; another name is another name.
	saved := w.post(path, "version", w.version(path), "name", "ops-2", "description", "", "min_severity", "", "config.endpoint", "https://chat.example.com/h2",
		"config.method", "POST", "config.timeout", "", "config.secret", "", "config.headers.name", "Authorization", "config.headers.value", "")
	if saved.StatusCode != http.StatusSeeOther || !strings.Contains(w.get(saved.Header.Get("Location")).text, "Saved") {
		t.Fatalf("save: %d %s", saved.StatusCode, saved.text)
	}
	c = w.channel("ops-2")
	if diff := cmp.Diff(sealed, w.sealed("channels", c.ID)); diff != "" || string(c.Config.V) != `{"endpoint":"https://chat.example.com/h2","headers":{"Authorization":{"configured":true}},"secret":{"configured":true}}` {
		t.Errorf("%s\n%s", c.Config.V, diff)
	}

	// A secret goes when that is asked for, and only then.
	w.post(path, "version", w.version(path), "name", "ops-2", "config.endpoint", "https://chat.example.com/h2", "config.secret.remove", "1",
		"config.headers.name", "Authorization", "config.headers.value", "", "config.headers.remove", "Authorization")
	if left := w.sealed("channels", c.ID); len(left) != 0 {
		t.Errorf("left: %v", left)
	}

	if a := w.post(path+"/switch", "version", w.version(path), "active", "false"); a.StatusCode != http.StatusSeeOther || w.channel("ops-2").IsActive {
		t.Errorf("deactivate: %d", a.StatusCode)
	}
	if a := w.post(path+"/switch", "version", "1", "active", "true"); a.StatusCode != http.StatusConflict || w.channel("ops-2").IsActive {
		t.Errorf("activate an old version: %d", a.StatusCode)
	}
	if a := w.post(path + "/delete"); a.StatusCode != http.StatusSeeOther || !strings.Contains(w.get(a.Header.Get("Location")).text, "The channel is deleted") {
		t.Errorf("delete: %d", a.StatusCode)
	}
	if a := w.get(path); a.StatusCode != http.StatusNotFound {
		t.Errorf("deleted: %d", a.StatusCode)
	}
}

func TestChannelFormRefused(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	if a := w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h", "config.secret", "canary-1", "config.headers.name", "X-Api-Key", "config.headers.value", "canary-2"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	path := "/channels/" + w.channel("ops").ID.String()
	before := w.channel("ops")
	version := w.version(path)
	for name, tt := range map[string]struct {
		pairs []string
		field string // whose complaint it is
		says  string
	}{
		"no name":            {[]string{"name", " "}, "name", "Use 1 to 100 characters"},
		"taken name":         {[]string{"name", "inbox"}, "name", "the built-in channel"},
		"no address":         {[]string{"config.endpoint", ""}, "config.endpoint", "Is required"},
		"own network":        {[]string{"config.endpoint", "http://10.0.0.1/"}, "config.endpoint", "HUB_EGRESS_ALLOW"},
		"another host":       {[]string{"config.endpoint", "https://evil.example/h"}, "config.secret", "another host now"},
		"no number":          {[]string{"config.timeout", "soon"}, "config.timeout", "Must be a number"},
		"needs another":      {[]string{"config.sign", "true", "config.secret.remove", "1"}, "config.sign", "Needs secret"},
		"a bad header":       {[]string{"config.headers.name", "Host", "config.headers.value", "x"}, "config.headers", "Host: belongs to the connection"},
		"a header twice":     {[]string{"config.headers.name", "A", "config.headers.value", "1", "config.headers.name", "a", "config.headers.value", "2"}, "config.headers", "A is there twice"},
		"a secret of no use": {[]string{"config.headers.name", "Authorization", "config.headers.value", ""}, "config.headers", "Authorization needs a value"},
		"too many words":     {[]string{"description", strings.Repeat("x", 1001)}, "description", "at most 1000"},
		"no severity":        {[]string{"min_severity", "doom"}, "min_severity", "Must be info"},
	} {
		form := []string{"version", version}
		for _, pair := range [][2]string{{"name", "ops"}, {"config.endpoint", "https://a.example/h"}, {"description", "typed"}} {
			if !slices.Contains(tt.pairs, pair[0]) {
				form = append(form, pair[0], pair[1])
			}
		}
		a := w.post(path, append(form, tt.pairs...)...)
		_, rest, _ := strings.Cut(a.text, `id="`+tt.field+`-wrong"`)
		words, _, found := strings.Cut(rest, "</div>")
		if a.StatusCode != http.StatusUnprocessableEntity || !found || !strings.Contains(words, tt.says) {
			t.Errorf("%s: %d, beside %s: %q", name, a.StatusCode, tt.field, words)
		}
		if !strings.Contains(a.text, `<a href="#`+tt.field+`">`) {
			t.Errorf("%s: nothing above the form leads to %s", name, tt.field)
		}
		if strings.Contains(a.text, "canary") {
			t.Errorf("%s: a stored secret is in the answer", name)
		}
		if tt.field != "description" && !strings.Contains(a.text, `value="typed"`) {
			t.Errorf("%s: what was typed is gone", name)
		}
	}
	typed := w.post(path, "version", version, "name", "", "config.endpoint", "https://a.example/h", "config.secret", "typed-canary", "config.headers.name", "X-Token", "config.headers.value", "typed-canary")
	if strings.Contains(typed.text, "typed-canary") || strings.Count(typed.text, "Enter it once more") < 1 {
		t.Error("a typed secret is sent back, or nobody says that it must be typed again")
	}
	if after := w.channel("ops"); after.Version != before.Version || string(after.Config.V) != string(before.Config.V) {
		t.Errorf("a refused form changed the channel: %+v", after)
	}

	// Somebody else is faster.
	in := notify.InputOf(before)
	in.Description, in.MinSeverity = "changed meanwhile", "critical"
	if _, err := w.channels.Update(t.Context(), "default", "ops", 0, in); err != nil {
		t.Fatal(err)
	}
	late := w.post(path, "version", version, "name", "ops", "description", "mine", "min_severity", "warning", "config.endpoint", "https://a.example/h")
	if late.StatusCode != http.StatusConflict || !strings.Contains(late.text, "somebody changed this channel") || !strings.Contains(late.text, `value="mine"`) ||
		!strings.Contains(late.text, "Stored now: <bdi>changed meanwhile") || !strings.Contains(late.text, "Stored now: <bdi>Critical only") || w.channel("ops").Description != "changed meanwhile" {
		t.Errorf("late: %d", late.StatusCode)
	}
	again := w.post(path, "version", versionInput.FindStringSubmatch(late.text)[1], "name", "ops", "description", "mine", "config.endpoint", "https://a.example/h")
	if again.StatusCode != http.StatusSeeOther || w.channel("ops").Description != "mine" {
		t.Errorf("once more: %d", again.StatusCode)
	}
	if a := w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h"); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, "choose another name") {
		t.Errorf("the same name: %d", a.StatusCode)
	}
	for _, missing := range []string{"/channels/new?driver=pigeon", "/channels/new?driver=inbox", "/channels/ops", "/channels/" + id.New().String(), "/sources/default", "/sources/" + id.New().String()} {
		if a := w.get(missing); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", missing, a.StatusCode)
		}
	}
	if a := w.post("/channels", "driver", "pigeon", "name", "p"); a.StatusCode != http.StatusNotFound {
		t.Errorf("unknown kind: %d", a.StatusCode)
	}
}

func TestInboxStays(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	if err := w.channels.EnsureInbox(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	path := "/channels/" + w.channel("inbox").ID.String()
	if page := w.get(path).text; strings.Contains(page, path+"/delete") || !strings.Contains(page, "The built-in inbox stays") {
		t.Error("the inbox can be deleted")
	}
	if a := w.post(path + "/delete"); a.StatusCode != http.StatusConflict || !strings.Contains(a.text, "deactivate it instead") {
		t.Errorf("delete: %d %s", a.StatusCode, a.text)
	}
	if a := w.post(path, "version", w.version(path), "name", "box", "description", "mine"); a.StatusCode != http.StatusSeeOther || w.channel("inbox").Description != "mine" {
		t.Errorf("describe: %d %s", a.StatusCode, a.text)
	}
}

func TestUsedBy(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	if a := w.post("/channels", "driver", "generic", "name", "ops", "config.endpoint", "https://a.example/h"); a.StatusCode != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	path := "/channels/" + w.channel("ops").ID.String()
	if !strings.Contains(w.get(path).text, "No active pipeline names it") {
		t.Error("nobody uses it, and the page does not say so")
	}
	d := orchestration.Definition{ID: id.New(), Name: "night-shift", IsActive: true}
	d.Config.V = json.RawMessage(`{"nodes":[{"type":"ingest"},{"type":"notify","config":{"channels":["log","ops"]}}]}`)
	w.hub.pipelines = append(w.hub.pipelines, d)
	if !strings.Contains(w.get(path).text, "<bdi>night-shift</bdi>") {
		t.Error("the pipeline that names it is not shown")
	}
}

// TestPipelineSchedule shows when a pipeline starts, and the runs that it started.
func TestPipelineSchedule(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	d := orchestration.Definition{ID: id.New(), Name: "every-night", IsActive: true}
	d.Config.V = json.RawMessage(`{"trigger":{"on":"schedule","cron":"0 4 * * *"},"nodes":[{"id":"tell","type":"notify","config":{"channels":["*"]}}]}`)
	w.hub.pipelines = append(w.hub.pipelines, d)
	next, run := w.hub.now.Add(3*time.Hour), id.New()
	s := &orchestration.Schedule{Next: &next}
	w.hub.schedules = map[id.ID]*orchestration.Schedule{d.ID: s}
	path := "/pipelines/" + d.ID.String()
	if page := w.get(path).text; !strings.Contains(page, "next "+next.UTC().Format("2006-01-02 15:04:05 UTC")) || !strings.Contains(page, "It has not started yet.") {
		t.Error("its next start is not shown")
	}
	s.Next, s.Last = nil, []orchestration.Slot{{Slot: w.hub.now, FiredAt: w.hub.now, RunID: run}}
	if page := w.get(path).text; !strings.Contains(page, "not while it is off") || !strings.Contains(page, `href="/runs/`+run.String()) {
		t.Error("what it started is not shown")
	}
}

func TestPrunedRun(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, ownerToken)
	run := orchestration.RunDetail{Run: orchestration.Run{ID: id.New()}, Nodes: []orchestration.NodeRun{{Node: "tell", Type: "notify", State: "succeeded", Pruned: true}}}
	w.hub.runs = append(w.hub.runs, run)
	if page := w.get("/runs/" + run.Run.ID.String()).text; strings.Count(page, "It is no longer kept.") != 2 {
		t.Error("what is no longer kept looks as if it had never been there")
	}
}

func TestReadersSeeSettings(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t, readToken)
	c, err := w.channels.Create(t.Context(), "default", notify.ChannelInput{Name: "ops", Driver: "generic", Config: json.RawMessage(`{"endpoint":"https://a.example/h"}`), IsActive: true})
	if err != nil {
		t.Fatal(err)
	}
	src, _, err := w.sources.Create(t.Context(), "default", sources.Input{Name: "prod", IsActive: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/channels/" + c.ID.String(), "/sources/" + src.ID.String()} {
		if page := w.get(path); page.StatusCode != http.StatusOK || !strings.Contains(page.text, "<fieldset class=\"plain\" disabled>") || strings.Contains(page.text, `action="`+path) {
			t.Errorf("%s: %d", path, page.StatusCode)
		}
		for _, to := range []string{path, path + "/switch", path + "/delete"} {
			if a := w.do(http.MethodPost, to, url.Values{"csrf": {w.csrf("/incidents")}, "version": {"1"}}); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %d", to, a.StatusCode)
			}
		}
	}
}
