package history_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// past is a hub with a past.
type past struct {
	*testing.T

	db    *storage.DB
	s     *history.Service
	clock *clock.Manual
}

func each(t *testing.T, fn func(p past)) {
	t.Helper()
	for _, engine := range []storage.Engine{storage.SQLite, storage.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			now := clock.At(time.Now())
			db := dbtest.Open(t, engine, func(c *storage.Config) { c.Clock = now })
			s, err := history.New(history.Config{DB: db, Log: slog.New(slog.DiscardHandler), Tenant: "a", ByItself: "It ended."})
			if err != nil {
				t.Fatal(err)
			}
			fn(past{t, db, s, now})
		})
	}
}

func (p past) exec(sql string, args ...any) {
	p.Helper()
	if err := p.db.From(p.Context()).Exec(sql, args...).Error; err != nil {
		p.Fatal(err)
	}
}

// trouble is an incident with one alert.
type trouble struct {
	tenant, title, message string
	labels                 map[string]string
	status                 event.IncidentStatus
	ago                    time.Duration
	summary, metadata      string
	alert                  id.ID // of an earlier one; zero: a new one
}

func (p past) add(t trouble) (incident *event.Incident, alert *event.Alert) {
	p.Helper()
	if t.tenant == "" {
		t.tenant = "a"
	}
	if t.metadata == "" {
		t.metadata = "{}"
	}
	if t.status == "" {
		t.status = event.IncidentResolved
	}
	began := p.db.Now().Add(-t.ago)
	i := id.Before(began)
	fresh := id.New()
	copy(i[8:], fresh[8:])
	incident = &event.Incident{ID: i, GroupKey: t.title + t.labels["instance"], Title: t.title, Status: t.status, CreatedAt: began}
	var ended any
	if !t.status.Active() {
		ended = began.Add(7 * time.Minute)
	}
	group := incident.GroupKey
	p.exec(`INSERT INTO incidents (id, tenant_id, group_key, title, description, summary, status, severity, metadata, event_seq, trace_id, created_at, updated_at, resolved_at)
		VALUES (?, ?, ?, ?, '', ?, ?, 'critical', ?, 1, 't', ?, ?, ?)`, i, t.tenant, group, t.title, t.summary, t.status, t.metadata, began, began, ended)
	a := t.alert
	labels := storage.Doc(t.labels)
	if a.IsZero() {
		a = id.New()
		p.exec(`INSERT INTO alerts (id, tenant_id, source, fingerprint, name, severity, status, description, labels, annotations, group_key, vendor_group_key,
			incident_id, trace_id, last_seq, occurrences, started_at, received_at, updated_at)
			VALUES (?, ?, 's', ?, ?, 'critical', 'resolved', ?, ?, '{}', ?, '', ?, 't', 1, 1, ?, ?, ?)`,
			a, t.tenant, a.String(), t.title, t.message, labels, group, i, began, began, began)
	} else {
		p.exec(`UPDATE alerts SET incident_id = ? WHERE id = ?`, i, a)
	}
	p.exec(`INSERT INTO incident_events (incident_id, seq, tenant_id, kind, details, created_at) VALUES (?, 1, ?, 'opened', ?, ?)`,
		i, t.tenant, fmt.Sprintf(`{"source":"s","fingerprint":%q}`, a.String()), began)
	p.exec(`INSERT INTO alert_history (alert_id, id, tenant_id, incident_id, event, old_status, new_status, details, created_at)
		VALUES (?, ?, ?, ?, 'created', '', 'firing', '{}', ?)`, a, i, t.tenant, i, began)
	return incident, &event.Alert{ID: a, Name: t.title, Description: t.message, Labels: t.labels}
}

func (p past) make() {
	p.Helper()
	if _, err := p.s.Make(p.Context(), id.ID{}); err != nil {
		p.Fatal(err)
	}
	p.clock.Advance(10 * time.Second)
}

func (p past) find(i *event.Incident, limit int, alerts ...*event.Alert) history.Found {
	p.Helper()
	got, err := p.s.Find(p.Context(), "a", history.Question{Incident: i, Alerts: alerts, Limit: limit})
	if err != nil {
		p.Fatal(err)
	}
	return got
}

func titles(list []history.Past) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.Title)
	}
	return out
}

var api = map[string]string{"service": "api", "instance": "web-1", "env": "prod"}

func with(labels map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range labels {
		if k != key {
			out[k] = v
		}
	}
	return out
}

const full = "/dev/sda1 on /var is 97% full"

// TestFind: the same trouble comes first, newest first; then what is like it; open ones apart; nobody else's, and not itself.
func TestFind(t *testing.T) {
	t.Parallel()
	each(t, func(p past) {
		first, alert := p.add(trouble{title: "DiskFull", message: full, labels: api, ago: 20 * 24 * time.Hour, summary: "cleaned /var", metadata: `{"resolved_by":"ada","acknowledged_by":"bob","notes":[{"text":"one","author":"x"},{"text":"two","author":"y"},{"text":"three"},{"text":"four","author":7}],"path":{}}`})
		second, _ := p.add(trouble{title: "DiskFull", message: full, labels: api, ago: 3 * 24 * time.Hour, alert: alert.ID, summary: "It ended."})
		p.add(trouble{title: "DiskFull", message: full, labels: with(api, "instance", "web-2"), ago: 40 * 24 * time.Hour, status: event.IncidentClosed})
		p.add(trouble{title: "DiskFull", message: full, labels: with(api, "instance", "web-3"), ago: time.Minute, status: event.IncidentOpen})
		p.add(trouble{title: "DiskSpaceLow", message: "filesystem is 91% full", labels: api, ago: 5 * 24 * time.Hour})
		p.add(trouble{title: "CertificateExpires", message: "ends in 3 days", labels: map[string]string{"team": "web"}, ago: time.Hour})
		p.add(trouble{title: "DiskFull", tenant: "b", message: full, labels: api, ago: time.Hour})
		now, _ := p.add(trouble{title: "DiskFull", message: full, labels: api, ago: 0, status: event.IncidentOpen, alert: alert.ID})
		p.exec(`INSERT INTO analyses (id, tenant_id, incident_id, provider, status, rung, summary, probable_cause, created_at) VALUES
			(?, 'a', ?, 'local', 'succeeded', 'local', 'Logs fill /var', 'debug logging', ?), (?, 'a', ?, 'local', 'succeeded', 'facts', 'nothing', '', ?)`,
			id.New(), first.ID, p.db.Now(), id.New(), first.ID, p.db.Now())
		p.make()

		got := p.find(now, 10, alert)
		if diff := cmp.Diff([]string{"DiskFull", "DiskFull", "DiskFull", "DiskSpaceLow"}, titles(got.Before)); diff != "" {
			p.Fatalf("before (-want +got):\n%s", diff)
		}
		if got.Before[0].IncidentID != second.ID || got.Before[1].IncidentID != first.ID || !got.Before[1].Same || got.Before[2].Same || got.Before[1].Similarity != 1 {
			p.Errorf("the same trouble is not first: %+v", got.Before)
		}
		if a, b := got.Before[2].Similarity, got.Before[3].Similarity; a <= b || a >= 1 || b < 0.4 {
			p.Errorf("likeness %v, %v", a, b)
		}
		if diff := cmp.Diff([]string{"DiskFull"}, titles(got.Firing)); diff != "" || got.Firing[0].Same || !got.Firing[0].EndedAt.IsZero() {
			p.Errorf("firing (-want +got):\n%s %+v", diff, got.Firing)
		}
		if got.Week != 1 || got.Month != 2 || !got.LastAt.Equal(second.CreatedAt) || got.Skipped != "" {
			p.Errorf("counted %d in a week, %d in a month, last %s, skipped %q", got.Week, got.Month, got.LastAt, got.Skipped)
		}
		want := history.Past{
			IncidentID: first.ID, Title: "DiskFull", Severity: "critical", Status: "resolved", BeganAt: first.CreatedAt, EndedAt: first.CreatedAt.Add(7 * time.Minute),
			Same: true, Similarity: 1, AcknowledgedBy: "bob", ResolvedBy: "ada", Summary: "cleaned /var",
			Notes: []history.Note{{Author: "y", Text: "two"}, {Text: "three"}, {Text: "four"}}, Analysis: "Logs fill /var", Cause: "debug logging",
		}
		if diff := cmp.Diff(want, got.Before[1]); diff != "" {
			p.Errorf("what helped (-want +got):\n%s", diff)
		}
		if got.Before[0].Summary != "" || got.Before[0].ResolvedBy != "" {
			p.Errorf("one that ended by itself: %+v", got.Before[0])
		}
		if got := p.find(now, 1, alert); len(got.Before) != 1 || got.Month != 2 {
			p.Errorf("one: %+v", got)
		}
		if got := p.find(now, 0, alert); len(got.Before) != 0 {
			p.Errorf("none: %+v", got)
		}
	})
}

// TestMake: incidents are noted once, again when something has happened to them, and from where the last time ended.
func TestMake(t *testing.T) {
	t.Parallel()
	each(t, func(p past) {
		for i := range 250 {
			p.add(trouble{title: fmt.Sprint("Old", i%7), labels: api, ago: 24*time.Hour + time.Duration(i)*time.Minute})
		}
		open, alert := p.add(trouble{title: "Open", message: "words to mine 7", labels: api, ago: time.Hour, status: event.IncidentOpen})
		newest, _ := p.add(trouble{title: "Newest", labels: api, ago: time.Minute})
		next, err := p.s.Make(p.Context(), id.ID{})
		if err != nil || p.count("") != 252 || p.count("template = 'words to mine <num>'") != 1 {
			p.Fatalf("%d noted, %v", p.count(""), err)
		}
		if string(next[:]) >= string(open.ID[:]) || next.Time().Before(open.ID.Time().Add(-time.Second)) {
			p.Errorf("goes on at %s, want just before %s", next, open.ID)
		}
		p.clock.Advance(time.Minute)
		before := p.db.Now()
		p.exec(`UPDATE incidents SET event_seq = 2, status = 'resolved' WHERE id = ?`, open.ID)
		if next, err = p.s.Make(p.Context(), next); err != nil || next != newest.ID || p.count("made_at >= ?", before) != 1 {
			p.Errorf("goes on at %s, %d made again, %v", next, p.count("made_at >= ?", before), err)
		}
		// Its alert belongs to a later incident now: what it was about stays.
		p.clock.Advance(time.Minute)
		p.exec(`UPDATE alerts SET incident_id = ?, name = 'Other' WHERE id = ?`, newest.ID, alert.ID)
		p.exec(`UPDATE incidents SET event_seq = 3 WHERE id = ?`, open.ID)
		if _, err = p.s.Make(p.Context(), id.ID{}); err != nil || p.count("event_seq = 3") != 1 {
			p.Errorf("%d are new, %v", p.count("event_seq = 3"), err)
		}
	})
}

func (p past) count(where string, args ...any) (n int64) {
	p.Helper()
	if where == "" {
		where = "1 = 1"
	}
	if err := p.db.Read(p.Context()).Raw("SELECT count(*) FROM incident_vectors WHERE "+where, args...).Scan(&n).Error; err != nil {
		p.Fatal(err)
	}
	return n
}

// TestFollows: what is noted later, also by another process, is found, and what was deleted is not.
func TestFollows(t *testing.T) {
	t.Parallel()
	each(t, func(p past) {
		now, alert := p.add(trouble{title: "DiskFull", message: full, labels: api, status: event.IncidentOpen})
		alert.ID = id.New() // of which nothing is known
		p.make()
		if got := p.find(now, 5, alert); len(got.Before) != 0 {
			p.Errorf("found %v before there was any", titles(got.Before))
		}
		gone, _ := p.add(trouble{title: "DiskFull", message: full, labels: with(api, "instance", "db-1"), ago: 50 * 24 * time.Hour})
		p.make()
		if got := p.find(now, 5, alert); !slices.Equal(titles(got.Before), []string{"DiskFull"}) || got.Before[0].IncidentID != gone.ID {
			p.Errorf("found %+v", got.Before)
		}
		p.exec(`DELETE FROM incidents WHERE id = ?`, gone.ID)
		if got := p.find(now, 5, alert); len(got.Before) != 0 {
			p.Errorf("found %v, which is gone", titles(got.Before))
		}
	})
}

func TestStartStop(t *testing.T) {
	t.Parallel()
	each(t, func(p past) {
		p.s.Start()
		p.s.Stop()
	})
	if _, err := history.New(history.Config{}); err == nil || !strings.Contains(err.Error(), "DB") {
		t.Errorf("%v", err)
	}
}

// TestEpisodes: an incident that was opened again knows how it ended before.
func TestEpisodes(t *testing.T) {
	t.Parallel()
	each(t, func(p past) {
		now, alert := p.add(trouble{title: "DiskFull", labels: api, ago: 20 * 24 * time.Hour, status: event.IncidentOpen})
		at := now.CreatedAt
		for n, e := range []struct{ kind, actor, details string }{
			{"acknowledged", "bob", "{}"},
			{"resolved", "ada", `{"summary":"grew it"}`},
			{"note", "eve", `{"text":"watch it"}`},
			{"reopened", "", "{}"},
			{"resolved", "", `{"summary":"It ended."}`},
			{"closed", "ada", `{"summary":7}`},
			{"reopened", "", "{}"},
			{"note", "bob", `{"text":"now"}`},
		} {
			p.exec(`INSERT INTO incident_events (incident_id, seq, tenant_id, kind, actor, details, created_at) VALUES (?, ?, 'a', ?, ?, ?, ?)`,
				now.ID, n+2, e.kind, e.actor, e.details, at.Add(time.Duration(n+1)*2*24*time.Hour))
		}
		got := p.find(now, 5, alert)
		if len(got.Before) != 2 || got.Week != 1 || got.Month != 2 || !got.Began.Equal(at.Add(14*24*time.Hour)) || !got.LastAt.Equal(at.Add(8*24*time.Hour)) {
			p.Fatalf("%+v", got)
		}
		if b := got.Before[0]; b.ResolvedBy != "" || b.Summary != "" || b.IncidentID != now.ID {
			p.Errorf("the newer one: %+v", b)
		}
		want := history.Past{
			IncidentID: now.ID, Title: "DiskFull", Status: "resolved", BeganAt: at.UTC(), EndedAt: at.Add(4 * 24 * time.Hour).UTC(), Same: true, Similarity: 1,
			AcknowledgedBy: "bob", ResolvedBy: "ada", Summary: "grew it", Notes: []history.Note{{Author: "eve", Text: "watch it"}},
		}
		if diff := cmp.Diff(want, got.Before[1]); diff != "" {
			p.Errorf("the older one (-want +got):\n%s", diff)
		}
	})
}
