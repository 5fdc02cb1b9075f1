package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

// What the hub says of two channels: one writes mail, the other has something to say about its message.
const (
	mailPreview = `{"channel":"mail","driver":"email","is_active":true,"title":"t","parts":1,"bytes":1200,"remark":"","missing":[],"error":"","shown":[
		{"name":"subject","media_type":"text/plain","text":"[CRITICAL] Disk"},{"name":"html","media_type":"text/html","text":"<!doctype html><p>Disk</p>"},
		{"name":"text","media_type":"text/plain","text":"Disk is full\r\n\u001b[2Jand 容量不足 \u202eevil"}]}`
	opsPreview = `{"channel":"../ops","driver":"hook","is_active":false,"title":"t","parts":3,"bytes":20480,"remark":"the template failed: line 3","missing":["incident.owner","labels.cluster"],"error":"",
		"shown":[{"name":"body","media_type":"application/json","text":"{\"a\":1.0}"},{"name":"note","media_type":"text/html","text":"<b>It</b> fires"}]}`
	badPreview = `{"channel":"old","driver":"hook","is_active":true,"parts":0,"bytes":0,"shown":[],"missing":[],"remark":"","error":"the settings are not usable"}`
)

func TestNotifyPreview(t *testing.T) {
	t.Parallel()
	const path = "POST /api/v1/notifications/preview"
	kind := `{"name":"hook","description":"","required_config":["endpoint"],"optional_config":["token","template"],"fields":[
		{"key":"endpoint","type":"url","required":true},{"key":"token","type":"text","secret":true},{"key":"template","type":"template"}]}`
	a := newAPI(t, map[string]string{
		path:                               `{"items":[` + mailPreview + `,` + opsPreview + `,` + badPreview + `],"next_cursor":""}`,
		"GET /api/v1/channels/ops":         `{"name":"ops","driver":"hook","config":{"endpoint":"https://x.example","token":{"configured":true}}}`,
		"GET /api/v1/channel-drivers/hook": kind,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"], s.vars["COLUMNS"] = a.URL, "the-key", "100"

	want := `=== mail (email, 1200 bytes)

subject:
  [CRITICAL] Disk

html:
  (26 bytes of HTML; --save writes it into a file for a browser)

text:
  Disk is full
   [2Jand 容量不足  evil

=== ../ops (hook, inactive, 3 parts, 20480 bytes)
! the template failed: line 3
! Missing variables: incident.owner, labels.cluster

body:
  {
    "a": 1.0
  }

note:
  <b>It</b> fires

=== old (hook)
! Nothing can be shown: the settings are not usable
`
	if diff := cmp.Diff(want, s.ok(t, "", "notify", "preview")); diff != "" {
		t.Errorf("below each other (-want +got):\n%s", diff)
	}
	want = `=== mail (email, 1200 bytes)                     │ === ../ops (hook, inactive, 3 parts, 20480
                                                 │ bytes)
subject:                                         │ ! the template failed: line 3
  [CRITICAL] Disk                                │ ! Missing variables: incident.owner,
                                                 │ labels.cluster
html:                                            │
  (26 bytes of HTML; --save writes it into a     │ body:
  file for a browser)                            │   {
                                                 │     "a": 1.0
text:                                            │   }
  Disk is full                                   │
   [2Jand 容量不足  evil                         │ note:
                                                 │   <b>It</b> fires

=== old (hook)
! Nothing can be shown: the settings are not
usable
`
	if diff := cmp.Diff(want, s.ok(t, "", "notify", "preview", "-y")); diff != "" {
		t.Errorf("beside each other (-want +got):\n%s", diff)
	}
	if r := s.run(t, "", "notify", "preview", "--strict"); r.code != cli.ExitFailed || !strings.Contains(r.out, "incident.owner") {
		t.Errorf("strict: %d %s", r.code, r.err)
	}

	dir := filepath.Join(t.TempDir(), "out")
	s.ok(t, "", "notify", "preview", "--save", dir, "--json")
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(raw)
	}
	wrote := map[string]string{
		"mail.subject.txt": "[CRITICAL] Disk", "mail.html.html": "<!doctype html><p>Disk</p>", "mail.text.txt": "Disk is full\r\n\x1b[2Jand 容量不足 \u202eevil", "---ops.body.json": `{"a":1.0}`, "---ops.note.html": "<b>It</b> fires",
	}
	if diff := cmp.Diff(wrote, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	payload := fileOf(t, `{"alerts": []}`)
	for name, tt := range map[string]struct {
		in    string
		args  []string
		asked string
	}{
		"an incident": {"", []string{"mail", "--incident", "i-1", "--event", "resolved"}, `{"channel":"mail","event":"resolved","incident_id":"i-1"}`},
		"a file":      {"", []string{"--payload", payload, "--of", "grafana"}, `{"payload":{"alerts":[]},"payload_driver":"grafana"}`},
		"typed":       {` {"a":1}`, []string{"--payload", "-"}, `{"payload":{"a":1}}`},
		"settings": {
			"",
			[]string{"ops", "--set-file", "template=" + fileOf(t, "{{ title }}\n")},
			`{"channel":"ops","config":{"endpoint":"https://x.example","template":{"template":"{{ title }}\n","type":"inline"},"token":{"configured":true}}}`,
		},
		"a kind": {"canary", []string{"--driver", "hook", "--set", "endpoint=https://y.example", "--secret-file", "token=-"}, `{"config":{"endpoint":"https://y.example","token":"canary"},"driver":"hook"}`},
	} {
		a.asked = nil
		s.ok(t, tt.in, append([]string{"notify", "preview"}, tt.args...)...)
		if got, _ := strings.CutPrefix(a.asked[len(a.asked)-1], path+" "); got != tt.asked {
			t.Errorf("%s: asked %s, want %s", name, got, tt.asked)
		}
	}
	a.asked = nil
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"both":             {[]string{"ops", "--driver", "hook"}, "not both"},
		"whose":            {[]string{"--set", "endpoint=x"}, "say whose settings"},
		"of what":          {[]string{"--of", "grafana"}, "give --payload"},
		"no JSON":          {[]string{"--payload", fileOf(t, "<xml>")}, "is no JSON"},
		"two subjects":     {[]string{"--payload", payload, "--incident", "i-1"}, "can't be used together"},
		"an unknown event": {[]string{"--event", "exploded"}, "must be one of"},
	} {
		if r := s.run(t, "", append([]string{"notify", "preview"}, tt.args...)...); r.code != cli.ExitUsage || !strings.Contains(r.err, tt.says) {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
	if len(a.asked) > 0 {
		t.Errorf("asked %v", a.asked)
	}
	if r := s.run(t, "", "notify", "preview", "ops", "--set", "token=x"); r.code != cli.ExitUsage || !strings.Contains(r.err, "--secret-file") {
		t.Errorf("a secret in the open: %d %s", r.code, r.err)
	}
}

// TestNotifyPreviewLength shows all of one channel's message, and of several as much as can be looked at.
func TestNotifyPreviewLength(t *testing.T) {
	t.Parallel()
	long, err := json.Marshal(strings.Repeat("line\n", 100))
	if err != nil {
		t.Fatal(err)
	}
	one := `{"channel":"a","driver":"hook","is_active":true,"shown":[{"name":"text","media_type":"text/plain","text":` + string(long) + `}]}`
	for items, want := range map[string][2]int{one: {100, 0}, one + "," + one: {80, 2}} {
		a := newAPI(t, map[string]string{"POST /api/v1/notifications/preview": `{"items":[` + items + `]}`})
		s := newShell(t)
		s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
		out := s.ok(t, "", "notify", "preview")
		if got := [2]int{strings.Count(out, "  line\n"), strings.Count(out, "(60 lines more; name the channel to see them)")}; got != want {
			t.Errorf("%v, want %v:\n%s", got, want, out)
		}
	}
	a := newAPI(t, map[string]string{"POST /api/v1/notifications/preview": `{"items":[]}`})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	if out := s.ok(t, "", "notify", "preview"); !strings.Contains(out, "There is no channel") {
		t.Error(out)
	}
}
