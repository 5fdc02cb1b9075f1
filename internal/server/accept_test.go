// The acceptance suite drives whole hubs by HTTP, as senders, operators and receivers do.
package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const door = "/alerts/webhook/"

type (
	hub   = *servertest.Hub
	alert = servertest.Alert
	obj   = map[string]any
)

var (
	engines  = servertest.Engines
	pipeline = servertest.Pipeline
	ingest   = servertest.Ingest
	notify   = servertest.Notify
)

// notifyWith is a notify node to one channel with further settings.
func notifyWith(id, channel string, more obj) obj {
	n := notify(id, channel)
	for k, v := range more {
		if k == "when" {
			n[k] = v
			continue
		}
		n["config"].(obj)[k] = v
	}
	return n
}

// node finds a run's node by its id.
func node(t *testing.T, r servertest.Run, id string) (state, reason string, output obj, tries int) {
	t.Helper()
	for _, n := range r.Nodes {
		if n.Node == id {
			if len(n.Output) > 0 {
				if err := json.Unmarshal(n.Output, &output); err != nil {
					t.Fatal(err)
				}
			}
			return n.State, n.Reason, output, len(n.Attempts)
		}
	}
	t.Fatalf("the run has no node %s: %+v", id, r)
	return "", "", nil, 0
}

// written counts the rows of everything that a push or an operator writes.
func written(t *testing.T, h hub) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, table := range []string{
		"receipts", "receipt_bodies", "observations", "ledger", "runs", "node_runs", "alerts", "alert_history", "incidents", "incident_events",
		"deliveries", "messages", "jobs", "sources", "channels", "definitions", "definition_versions", "api_keys", "secrets", "sessions",
	} {
		out[table] = count(t, h, table)
	}
	return out
}

func count(t *testing.T, h hub, table string) int64 {
	t.Helper()
	var n int64
	if err := h.Server.DB().Read(t.Context()).Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// nothingWritten fails the test if fn leaves a row behind.
func nothingWritten(t *testing.T, h hub, fn func()) {
	t.Helper()
	idle(t, h)
	before := written(t, h)
	fn()
	if diff := cmp.Diff(before, written(t, h)); diff != "" {
		t.Errorf("rows were written (-before +after):\n%s", diff)
	}
}

// atRest waits until everything is over and checks the sums: each observation has a row on each of its routes, the totals are
// the rows, and the hub finds its books right.
func atRest(t *testing.T, h hub, want map[string]int64) {
	t.Helper()
	l := h.Rest()
	if !l.Balanced || l.Problem != "" {
		t.Errorf("not balanced: %s", l.Problem)
	}
	got := map[string]int64{}
	var sum int64
	for state, n := range l.Counts {
		sum += n
		if n > 0 {
			got[state] = n
		}
	}
	for reason, n := range l.ByReason {
		got["("+reason+")"] = n
	}
	if want != nil {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
	}
	if rows := count(t, h, "ledger"); rows != sum {
		t.Errorf("%d rows, but the totals are %d", rows, sum)
	}
	var bare int64
	if err := h.Server.DB().Read(t.Context()).Raw(`SELECT count(*) FROM observations o WHERE NOT EXISTS
		(SELECT 1 FROM ledger l WHERE l.receipt_id = o.receipt_id AND l.idx = o.idx)`).Scan(&bare).Error; err != nil {
		t.Fatal(err)
	}
	if bare > 0 {
		t.Errorf("%d observations without a row", bare)
	}
	var wrong int64 // rows that say delivered while none of their deliveries is, or the other way round
	if err := h.Server.DB().Read(t.Context()).Raw(`SELECT count(*) FROM ledger l WHERE
		l.state = 'delivered' AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.run_id = l.run_id AND d.state = 'delivered')
			AND NOT EXISTS (SELECT 1 FROM delivery_routes r JOIN deliveries d ON d.id = r.delivery_id WHERE r.run_id = l.run_id AND d.state = 'delivered')
		OR l.state = 'no_route' AND l.run_id IS NOT NULL`).Scan(&wrong).Error; err != nil {
		t.Fatal(err)
	}
	if wrong > 0 {
		t.Errorf("%d rows disagree with their deliveries", wrong)
	}
	idle(t, h)
}

// idle waits until nobody has anything to do: the ledger knows of what pushes ask for only. What the clock may ask for later does not keep
// anybody busy.
func idle(t *testing.T, h hub) {
	t.Helper()
	testkit.Eventually(t, 2*time.Minute, func() bool {
		var n int64
		if err := h.Server.DB().Read(t.Context()).Table("jobs").Where("kind <> 'remind'").Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n == 0
	}, "jobs are left")
}

// told compares what a receiver took.
func told(t *testing.T, r *servertest.Receiver, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, r.Told()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// became compares what the ledger says of a push's first observation.
func became(t *testing.T, h hub, a servertest.Accepted, want string) {
	t.Helper()
	h.Rest()
	if got := h.Became(a.ReceiptID); got != want {
		t.Errorf("became %s, want %s", got, want)
	}
}

// late is an answer to ?sync=1 as it would be of a hub that had waited for the fold: it does not wait for long.
func late(h hub, a servertest.Answer) servertest.Answer {
	if a.Status == http.StatusAccepted && a.JSON()["outcome"] == "queued" {
		h.Rest()
		a.Status = http.StatusOK
	}
	return a
}

// fixtures is the folder of the shared payloads; the test is skipped where it is not.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("INCIDENTHUB_FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	dir = filepath.Join(dir, "webhooks")
	if _, err := os.Stat(filepath.Join(dir, "bad", "MANIFEST.json")); err != nil {
		t.Skipf("no shared fixtures (INCIDENTHUB_FIXTURES): %v", err)
	}
	return dir
}

func readJSON(t *testing.T, path string, out any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
}

// refused checks an error answer of the webhook: the shape, and a message that is more than a word.
func refused(t *testing.T, name string, a servertest.Answer, status int) {
	t.Helper()
	body := a.JSON()
	message := fmt.Sprint(body["message"])
	if a.Status != status {
		t.Errorf("%s: %d %s, want %d", name, a.Status, a.Body, status)
		return
	}
	if body["status"] != "error" || len(message) < 14 || body["message"] == nil {
		t.Errorf("%s: says %s", name, a.Body)
	}
	if status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") == "" {
		t.Errorf("%s: 503 without Retry-After", name)
	}
	if status == http.StatusUnauthorized && a.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("%s: 401 without WWW-Authenticate", name)
	}
}
