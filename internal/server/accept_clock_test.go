package server_test

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// shorter gives a channel a time in seconds that is too short for operators: the next push makes the hub hear of it.
func shorter(t *testing.T, h hub, channel, column string, s int) {
	t.Helper()
	db := h.Server.DB()
	if err := db.From(t.Context()).Exec(`UPDATE channels SET `+column+` = ? WHERE name = ?`, s, channel).Error; err != nil {
		t.Fatal(err)
	}
	if err := db.BumpGeneration(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// moved makes a receiver that has moved away.
func moved(t *testing.T) *servertest.Receiver {
	t.Helper()
	return servertest.NewReceiver(t).Says(http.StatusNotFound)
}

// TestRemindedByTheClock: from the first message on, until somebody takes care of it, whatever is pushed meanwhile; and again when the
// incident is opened again.
func TestRemindedByTheClock(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h hub) {
		r, calm := servertest.NewReceiver(t), servertest.NewReceiver(t)
		h.Tell("ops", r, "renotify", "1h", "min_severity", "info")
		h.Tell("calm", calm)
		shorter(t, h, "ops", "renotify_s", 2)
		begin := time.Now()
		first := h.Send(servertest.Fire("Disk"))
		became(t, h, first, "delivered")
		for late := begin.Add(2 * time.Minute); len(r.Told()) < 3; time.Sleep(300 * time.Millisecond) {
			became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
			if time.Now().After(late) {
				t.Fatalf("told %q in two minutes", r.Told())
			}
		}
		if took := time.Since(begin); took < 4*time.Second || took > 20*time.Second {
			t.Errorf("two windows of 2 s took %s", took)
		}
		h.Act(h.Incident().ID, "acknowledge", nil)
		h.Over("ops") // a slow machine has reminded of it once more by now
		heard := r.Told()
		if want := append([]string{"firing"}, slices.Repeat([]string{"reminder"}, len(heard)-1)...); !slices.Equal(heard, want) {
			t.Errorf("told %q, want reminders alone after the beginning", heard)
		}
		if took := time.Since(begin); len(heard)-1 > int(took/(2*time.Second)) {
			t.Errorf("%d reminders in %s, with windows of 2 s", len(heard)-1, took)
		}
		hears(t, h, r, heard...)
		time.Sleep(3 * time.Second)
		told(t, r, heard...)
		told(t, calm, "firing")
		h.Act(h.Incident().ID, "resolve", nil)
		h.Act(h.Incident().ID, "reopen", nil)
		testkit.Eventually(t, time.Minute, func() bool { return slices.Contains(r.Told()[len(heard):], "reminder") }, "nobody is reminded of what is open again")
		h.Act(h.Incident().ID, "acknowledge", nil)
		atRest(t, h, nil)
		for _, d := range h.Over("ops") { // the ledger knows nothing of reminders
			if d.State != "delivered" {
				t.Errorf("%+v", d)
			}
		}
	})
}

// TestRemindersCarryTheAnalysis: what somebody had analysed after the beginning was told, and when.
func TestRemindersCarryTheAnalysis(t *testing.T) {
	t.Parallel()
	onQuiet(t, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r, "renotify", "1h")
		shorter(t, h, "ops", "renotify_s", 2)
		h.Send(servertest.Fire("Disk"))
		h.Rest()
		h.Want(http.StatusOK, http.MethodPost, "/api/v1/incidents/"+h.Incident().ID+"/analyze", nil)
		after := len(r.Told())
		testkit.Eventually(t, time.Minute, func() bool { return len(r.Told()) > after+1 }, "nobody is reminded")
		m := r.All()[after+1]
		if m.Event != "reminder" || !strings.Contains(m.Text, "Analysis by the local analyzer, made 20") || strings.Contains(r.All()[0].Text, "analyzer") {
			t.Errorf("%s says %s\nafter %s", m.Event, m.Text, r.All()[0].Text)
		}
		h.Act(h.Incident().ID, "acknowledge", nil)
		atRest(t, h, nil)
	})
}

// TestRemindersOutliveRestart: what fell due while nobody was there is told once, by whichever process comes first.
func TestRemindersOutliveRestart(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env := map[string]string{"HUB_DATA_DIR": dir, "HUB_DATABASE_URL": "sqlite:" + filepath.Join(dir, "hub.db"), "HUB_SECRET_KEY": strings.Repeat("ab", 32)}
			if engine == "postgres" {
				env["HUB_DATABASE_URL"] = servertest.Postgres(t)
			}
			h := servertest.Start(t, env)
			r := servertest.NewReceiver(t)
			h.Tell("ops", r, "renotify", "1h")
			shorter(t, h, "ops", "renotify_s", 20) // three hubs may take a while to start
			h.Send(servertest.Fire("Disk"))
			h.Rest()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := h.Server.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			time.Sleep(21 * time.Second)
			told(t, r, "firing")
			h = servertest.Start(t, env)
			r.Waits(2)
			first := time.Now() // at the latest: the next one is due 20 s after it
			if engine == "postgres" {
				servertest.Start(t, env)
				servertest.Start(t, env)
			}
			time.Sleep(1500 * time.Millisecond)
			h.Over()
			heard := r.Told()
			if due := 2 + int((time.Since(first)+time.Second)/(20*time.Second)); len(heard) > due || heard[0] != "firing" || heard[1] != "reminder" {
				t.Errorf("told %q, want the beginning and a reminder", heard)
			}
		})
	}
}

// TestToldInstead: what a channel cannot be told goes to the one that it falls back on, and so does the end.
func TestToldInstead(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h hub) {
		phone, ops := servertest.NewReceiver(t), moved(t)
		h.Tell("phone", phone)
		h.Tell("ops", ops, "fallback", obj{"channel": "phone"})
		h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", "ops")))
		a := h.Send(servertest.Fire("Disk"))
		became(t, h, a, "delivered")
		h.Over()
		told(t, phone, "firing")
		if m := phone.Last(); !strings.Contains(m.Text, `channel "ops" could not be told: it answered 404 (not found).`) || !strings.Contains(m.Title, "Disk") {
			t.Errorf("it says %q, %q", m.Title, m.Text)
		}
		d := h.Deliveries("ops")
		if len(d) != 1 || d[0].State != "dead" || d[0].Reason != "http_404" {
			t.Errorf("ops: %+v", d)
		}
		run := h.Run(h.Runs("")[0].ID)
		state, _, output, _ := node(t, run, "tell")
		if state != "succeeded" || output["channels_failed"] != 1.0 || output["channels_succeeded"] != 1.0 || run.State != "succeeded" {
			t.Errorf("the node %s with %v, the run %s", state, output, run.State)
		}
		became(t, h, h.Send(servertest.Fire("Disk")), "suppressed(duplicate)")
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		h.Over()
		told(t, phone, "firing", "resolved")
		told(t, ops)
		atRest(t, h, map[string]int64{"delivered": 2, "suppressed": 1, "(duplicate)": 1})
	})
}

// TestToldInsteadOfBoth: neither can be told. The books say so.
func TestToldInsteadOfBoth(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h hub) {
		phone, ops := moved(t), moved(t)
		h.Tell("phone", phone)
		h.Tell("ops", ops, "fallback", obj{"channel": "phone"})
		h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", "ops")))
		became(t, h, h.Send(servertest.Fire("Disk")), "dead(http_404)")
		if run := h.Run(h.Runs("")[0].ID); run.State != "failed" || run.LastError == nil || run.LastError.Type != "all_deliveries_dead" {
			t.Errorf("the run %+v", run)
		}
		if len(phone.All()) != 1 || len(ops.All()) != 1 {
			t.Errorf("%d and %d calls", len(phone.All()), len(ops.All()))
		}
		atRest(t, h, map[string]int64{"dead": 1, "(http_404)": 1})
	})
}

// TestToldInsteadAfter: a channel that hangs is given its time, and may answer all the same.
func TestToldInsteadAfter(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h hub) {
		phone, ops := servertest.NewReceiver(t), servertest.NewReceiver(t)
		free := make(chan struct{})
		ops.Answers(func(int, http.ResponseWriter, *servertest.Message) int { <-free; return http.StatusOK })
		h.Tell("phone", phone)
		h.Tell("ops", ops, "fallback", obj{"channel": "phone", "after": "10m"})
		h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", "ops")))
		shorter(t, h, "ops", "fallback_after_s", 2)
		a := h.Send(servertest.Fire("Disk"))
		phone.Waits(1)
		if got := h.Became(a.ReceiptID); got != "pending" {
			t.Errorf("while it hangs it is %s", got)
		}
		if m := phone.Last(); !strings.Contains(m.Text, `channel "ops" has not been reached for 2s`) {
			t.Errorf("it says %q", m.Text)
		}
		close(free)
		became(t, h, a, "delivered")
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		h.Over()
		told(t, ops, "firing", "resolved")
		told(t, phone, "firing", "resolved")
		atRest(t, h, map[string]int64{"delivered": 2})
	})
}

// TestResend: what is dead goes out once more as it was, and the books follow; what was delivered is told anew.
func TestResend(t *testing.T) {
	t.Parallel()
	servertest.Engines(t, nil, func(t *testing.T, h hub) {
		r, other := moved(t), servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Tell("zz", other, "min_severity", "critical")
		h.Only("page", servertest.Pipeline(obj{}, servertest.Ingest("tell"), servertest.Notify("tell", "ops")))
		a := h.Send(servertest.Fire("Disk"))
		became(t, h, a, "dead(http_404)")
		r.Says(http.StatusOK)
		dead := h.Deliveries("ops")[0]
		path := "/api/v1/deliveries/" + dead.ID + "/resend"
		if got := h.Want(http.StatusOK, http.MethodPost, path, nil); got["id"] != dead.ID || got["state"] == "dead" {
			t.Errorf("it answers %v", got)
		}
		r.Waits(2)
		became(t, h, a, "delivered")
		all := r.All()
		if all[0].Key != all[1].Key || string(all[0].Raw) != string(all[1].Raw) {
			t.Errorf("sent again as %q: %s", all[1].Key, all[1].Raw)
		}
		got := h.Want(http.StatusOK, http.MethodPost, path, obj{"channel": "zz"})
		if got["id"] == dead.ID || got["cause"] != "resend" || got["channel"] != "zz" {
			t.Errorf("to another channel: %v", got)
		}
		h.Want(http.StatusOK, http.MethodPost, path, obj{})
		r.Waits(3)
		other.Waits(1)
		h.Over() // what is sent again is in no book of its own
		if diff := cmp.Diff([]string{"firing", "firing"}, r.Told()); diff != "" {
			t.Error(diff)
		}
		if n := h.Incident().EventSeq; n != 3 {
			t.Errorf("the last event has number %d", n)
		}
		h.Want(http.StatusNotFound, http.MethodPost, path, obj{"channel": "nowhere"})
		became(t, h, h.Send(servertest.Resolve("Disk")), "delivered")
		if refusal := h.Want(http.StatusConflict, http.MethodPost, path, nil); !strings.Contains(refusal["detail"].(string), "reopen it first") {
			t.Errorf("it says %v", refusal)
		}
		h.Over()
		told(t, r, "firing", "firing", "resolved")
		told(t, other, "firing", "resolved")
		atRest(t, h, map[string]int64{"delivered": 2})
	})
}
