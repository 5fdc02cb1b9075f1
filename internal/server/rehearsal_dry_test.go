package server_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// raw is a definition's text.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts only
	}
	return b
}

// checksums are the number of rows of every table and a sum over what is in them. The hub's check of its own books, and its notes of what
// incidents are about, go on meanwhile.
func checksums(t *testing.T, h hub) map[string]string {
	t.Helper()
	db := h.Server.DB()
	list := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	if db.Engine() == storage.SQLite {
		list = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	var tables []string
	if err := db.Read(t.Context()).Raw(list).Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, table := range tables {
		// What is written beside the work, by its own clock.
		if slices.Contains([]string{"ledger_checks", "incident_vectors", "channel_troubles", "prunes"}, table) || strings.HasPrefix(table, "goose") {
			continue
		}
		var rows []map[string]any
		if err := db.Read(t.Context()).Table(table).Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		lines := make([]string, 0, len(rows))
		for _, r := range rows {
			lines = append(lines, fmt.Sprint(r)) // keys come sorted
		}
		slices.Sort(lines)
		out[table] = fmt.Sprintf("%d %x", len(lines), sha256.Sum256([]byte(strings.Join(lines, "\n"))))
	}
	if len(out) < 20 {
		t.Fatalf("only %d tables", len(out))
	}
	return out
}

// TestDryRun: what one push would do, seen beside what the hub knows; nothing is stored and nothing goes out.
func TestDryRun(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Tell("night", r, "min_severity", "critical")
		h.Only("all", pipeline(obj{}, ingest("n"), notify("n", "*")))
		h.Send(servertest.Fire("Known"))
		r.Waits(2)
		atRest(t, h, nil)
		before := checksums(t, h)

		try := func(in rehearsal.DryRun) rehearsal.DryRunResult {
			t.Helper()
			out, err := h.Server.DryRun(t.Context(), "default", in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		sum := func(out rehearsal.DryRunResult) []string {
			lines := []string{out.Outcome}
			for _, o := range out.Observations {
				for _, x := range o.Routes {
					lines = append(lines, o.Name+": "+x.Definition+" "+x.State+" "+x.Reason)
				}
			}
			for _, i := range out.Incidents {
				for _, e := range i.Events {
					lines = append(lines, i.Title+" "+e.Kind)
				}
			}
			for _, x := range out.Runs {
				for _, n := range x.Nodes {
					lines = append(lines, x.Definition+"/"+n.Node+" "+n.State+" "+n.Reason)
				}
			}
			for _, m := range out.Messages {
				lines = append(lines, m.Channel+" "+m.Kind+" "+m.State+" "+m.Reason)
			}
			for i := range lines {
				lines[i] = strings.TrimSpace(lines[i])
			}
			return lines
		}
		severe := pipeline(obj{}, ingest("n"), obj{"id": "n", "type": "notify", "config": obj{"channels": []string{"ops"}, "min_severity": "critical"}})
		for name, tt := range map[string]struct {
			in   rehearsal.DryRun
			want []string
		}{
			"new": {rehearsal.DryRun{Body: []byte(servertest.Push(alert{Name: "New", Severity: "warning"}))}, []string{
				"queued", "New: all would_send", "New opened", "all/in succeeded", "all/n succeeded", "inbox firing would_send",
				"night firing suppressed below_min_severity", "ops firing would_send",
			}},
			"repeat": {rehearsal.DryRun{Body: []byte(servertest.Fire("Known"))}, []string{
				"queued", "Known: all suppressed duplicate", "all/in succeeded", "all/n skipped not_material",
			}},
			"end": {rehearsal.DryRun{Body: []byte(servertest.Resolve("Known"))}, []string{
				"queued", "Known: all would_send", "Known resolved", "all/in succeeded", "all/n skipped resolved", "inbox resolved would_send",
				"night resolved would_send", "ops resolved would_send",
			}},
			"another definition": {
				rehearsal.DryRun{Body: []byte(servertest.Push(alert{Name: "New", Severity: "warning"})), Candidate: &rehearsal.Candidate{Name: "all", Config: raw(severe)}},
				[]string{
					"queued", "New: all suppressed below_min_severity", "New opened", "all/in succeeded", "all/n succeeded", "ops firing suppressed below_min_severity",
				},
			},
			"a stored one, forced": {
				rehearsal.DryRun{Body: []byte(servertest.Fire("New")), Candidate: &rehearsal.Candidate{Name: "direct"}, Pipeline: "direct"},
				[]string{
					"queued", "New: direct would_send", "New opened", "direct/ingest_webhook succeeded", "direct/notify_channels succeeded", "inbox firing would_send", "night firing would_send",
					"ops firing would_send",
				},
			},
			"unusable": {rehearsal.DryRun{Body: []byte(`{"hello": 1}`)}, []string{"rejected", ":  rejected unusable"}},
		} {
			if diff := cmp.Diff(tt.want, sum(try(tt.in))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		for _, m := range try(rehearsal.DryRun{Body: []byte(servertest.Fire("New"))}).Messages {
			if m.Channel == "ops" && (!strings.Contains(m.Body, `"New`) || m.Title == "") {
				t.Errorf("message %+v", m)
			}
		}

		for name, tt := range map[string]struct {
			in   rehearsal.DryRun
			want error
		}{
			"no JSON":     {rehearsal.DryRun{Body: []byte(`x`)}, rehearsal.ErrBadInput},
			"no driver":   {rehearsal.DryRun{Body: []byte(`{}`), Driver: "nothing"}, rehearsal.ErrBadInput},
			"no pipeline": {rehearsal.DryRun{Body: []byte(servertest.Fire("New")), Pipeline: "nothing"}, rehearsal.ErrBadInput},
			"no source":   {rehearsal.DryRun{Body: []byte(`{}`), Source: "nothing"}, storage.ErrNotFound},
			"no stored":   {rehearsal.DryRun{Body: []byte(servertest.Fire("New")), Candidate: &rehearsal.Candidate{Name: "nothing"}}, storage.ErrNotFound},
		} {
			if _, err := h.Server.DryRun(t.Context(), "default", tt.in); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := h.Server.DryRun(t.Context(), "default", rehearsal.DryRun{
			Body: []byte(servertest.Fire("New")), Candidate: &rehearsal.Candidate{Name: "all", Config: []byte(`{"nodes":[{"id":"x","type":"y"}]}`)},
		})
		if bad := (*orchestration.InvalidDefinition)(nil); !errors.As(err, &bad) {
			t.Errorf("a definition with problems: %v", err)
		}

		if diff := cmp.Diff(before, checksums(t, h)); diff != "" {
			t.Errorf("the hub's database changed:\n%s", diff)
		}
		if n := len(r.All()); n != 2 {
			t.Errorf("the receiver was called %d times", n)
		}
		if left, _ := filepath.Glob(filepath.Join(h.Server.DataDir(), "rehearsals", "*")); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// TestOldRehearsalsGo: what a process that died has left behind goes away, what is at work stays.
func TestOldRehearsalsGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := filepath.Join(dir, "rehearsals", "r-old")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(old, "stage.db"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	servertest.Start(t, map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": "sqlite:" + filepath.Join(dir, "hub.db")})
	if left, _ := filepath.Glob(filepath.Join(dir, "rehearsals", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
