package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/rehearsal"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// backtest runs one through the API and returns what came out.
func backtest(t *testing.T, h hub, ask obj) rehearsal.Report {
	t.Helper()
	if ask["since"] == nil {
		ask["since"] = "1h"
	}
	begun := h.Want(http.StatusAccepted, http.MethodPost, "/api/v1/backtests", ask)
	var job rehearsal.Job
	testkit.Eventually(t, 2*time.Minute, func() bool {
		h.Get("/api/v1/backtests/"+begun["id"].(string), &job)
		return job.State != rehearsal.StateRunning
	}, "the back-test does not end")
	if job.State != rehearsal.StateDone || job.Result == nil {
		t.Fatalf("the back-test ended as %+v", job)
	}
	return *job.Result
}

// otherwise is what a report says is otherwise, in short.
func otherwise(r rehearsal.Report) []string {
	out := []string{}
	for _, m := range r.Fewer.Items {
		out = append(out, "- "+m.Channel+" "+m.Kind+" "+m.Alert)
	}
	for _, m := range r.More.Items {
		out = append(out, "+ "+m.Channel+" "+m.Kind+" "+m.Alert)
	}
	for _, o := range r.Nowhere.Items {
		out = append(out, "nowhere "+o.Alert+": "+o.Was+" > "+o.WouldBe)
	}
	for _, o := range r.Somewhere.Items {
		out = append(out, "somewhere "+o.Alert+": "+o.Was+" > "+o.WouldBe)
	}
	for _, i := range r.Merged.Items {
		out = append(out, "merged "+strings.Join(i.Titles, ","))
	}
	for _, i := range r.Split.Items {
		out = append(out, "split "+strings.Join(i.Titles, ","))
	}
	for _, x := range r.Unreadable.Items {
		out = append(out, "unreadable "+x.Why)
	}
	for _, x := range r.Readable.Items {
		out = append(out, "readable "+x.Why)
	}
	return out
}

func wantOtherwise(t *testing.T, r rehearsal.Report, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), otherwise(r)); diff != "" {
		raw, _ := json.MarshalIndent(r, "", " ")
		t.Errorf("otherwise (-want +got):\n%s%s", diff, raw)
	}
}

func tell(id string, more obj, channels ...string) obj {
	config := obj{"channels": channels}
	maps.Copy(config, more)
	return obj{"id": id, "type": "notify", "config": config}
}

// TestBacktestUnchanged: with nothing changed nothing is otherwise, whatever happened, and the hub's tables stay as they are.
func TestBacktestUnchanged(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r, refuses := servertest.NewReceiver(t), servertest.NewReceiver(t).Says(http.StatusNotFound)
		h.Tell("ops", r)
		h.Tell("night", r, "min_severity", "critical")
		h.Tell("gone", refuses)
		main := pipeline(obj{"priority": 10, "continue": true, "when": "labels.team != 'none'"}, ingest("n"), tell("n", nil, "ops", "night"))
		h.Only(
			"main", main,
			"second", pipeline(obj{"priority": 20, "when": "severity == 'critical' and labels.team != 'none'"}, ingest("n"), obj{
				"id": "n", "type": "notify", "when": "alert.occurrences < 3 or labels.team == 'db'", "config": obj{"channels": []string{"ops", "gone", "inbox"}},
			}),
			"drop", pipeline(obj{"priority": 5, "when": "labels.team == 'noise'", "discard": true}),
		)
		team := func(name string) map[string]string { return map[string]string{"team": name} }
		send := func(alerts ...alert) {
			h.Send(servertest.Push(alerts...))
			h.Rest() // so that what is sent does not depend on how quickly
		}
		send(alert{Name: "A"}, alert{Name: "B", Severity: "warning"}, alert{Name: "C", Labels: team("none")})
		send(alert{Name: "A"})
		send(alert{Name: "A"}, alert{Name: "N", Labels: team("noise")})
		send(alert{Name: "B", Severity: "critical"})
		send(alert{Name: "B", Severity: "warning"})
		send(alert{Name: "A", Status: "resolved"})
		send(alert{Name: "A", Status: "resolved"})
		send(alert{Name: "A"})
		send(alert{Name: "E", Status: "resolved"})
		byTitle := func(title string) string {
			for _, i := range h.Incidents() {
				if i.Title == title {
					return i.ID
				}
			}
			t.Fatalf("no incident %s", title)
			return ""
		}
		h.Act(byTitle("B"), "acknowledge", nil)
		send(alert{Name: "B", Severity: "warning"})
		h.Act(byTitle("B"), "resolve", obj{"summary": "done"})
		h.Rest()
		send(alert{Name: "B", Severity: "warning"})
		h.Act(byTitle("A"), "close", nil)
		h.Rest()
		h.Act(byTitle("A"), "reopen", nil)
		send(alert{Name: "A"}, alert{Name: "B", Severity: "warning", Status: "resolved"})
		h.Act(byTitle("A"), "close", nil)
		h.Rest()
		send(alert{Name: "F", Labels: team("db")}, alert{Name: "F", Labels: team("db")})
		h.Want(http.StatusUnprocessableEntity, http.MethodPost, door, `{"hello": 1}`)
		h.SendTo("generic/", `{"alerts":[{"name":"G","severity":"critical"},{"severity":"info"}]}`)
		h.SendTo("?pipeline=second&sync=1", servertest.Push(alert{Name: "Forced", Labels: team("none")}))
		atRest(t, h, nil)

		before := checksums(t, h)
		report := backtest(t, h, obj{"name": "main", "definition": main})
		wantOtherwise(t, report)
		if len(report.Summary) != 1 || !strings.Contains(report.Summary[0], "nothing would have been otherwise") || report.Receipts != 16 {
			t.Errorf("%d receipts, %q", report.Receipts, report.Summary)
		}
		for _, m := range slices.Concat(report.Messages, report.HeldBack) {
			if m.Before != m.After || m.Before == 0 {
				t.Errorf("%+v", m)
			}
		}
		if len(report.Messages) < 5 || len(report.HeldBack) < 2 {
			t.Errorf("messages %+v, held back %+v", report.Messages, report.HeldBack)
		}
		// A stored definition by its name, and a grouping that is the default in other words, change nothing either.
		wantOtherwise(t, backtest(t, h, obj{"name": "second", "group_by": obj{"default": []string{"alertname", "instance"}}}))
		if diff := cmp.Diff(before, checksums(t, h)); diff != "" {
			t.Errorf("the hub's database changed:\n%s", diff)
		}
	})
}

// TestBacktestSeverity: a channel that is told less, line by line.
func TestBacktestSeverity(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("all", pipeline(obj{}, ingest("n"), tell("n", nil, "ops")))
		low := h.Send(servertest.Push(alert{Name: "Low", Severity: "warning"}))
		h.Rest()
		h.Send(servertest.Push(alert{Name: "High"}))
		h.Rest()
		end := h.Send(servertest.Push(alert{Name: "Low", Severity: "warning", Status: "resolved"}))
		h.Rest()
		report := backtest(t, h, obj{"name": "all", "definition": pipeline(obj{}, ingest("n"), tell("n", obj{"min_severity": "critical"}, "ops"))})
		wantOtherwise(t, report,
			"- ops firing Low", "- ops resolved Low",
			"nowhere Low: delivered > suppressed (below_min_severity)", // its end is nobody's news then
		)
		sent := h.Deliveries("ops")
		for n, want := range []struct{ receipt, delivery string }{{low.ReceiptID, sent[0].ID}, {end.ReceiptID, sent[2].ID}} {
			got := report.Fewer.Items[n]
			if got.ReceiptID.String() != want.receipt || got.DeliveryID.String() != want.delivery || got.IncidentID.String() != sent[0].IncidentID ||
				!slices.Contains(got.Links, "/receipts/"+want.receipt) || !slices.Contains(got.Links, "/incidents/"+sent[0].IncidentID) {
				t.Errorf("line %d is %+v, want %+v", n, got, want)
			}
		}
		if diff := cmp.Diff([]rehearsal.ChannelCount{
			{Channel: "ops", Kind: "firing", Before: 2, After: 1}, {Channel: "ops", Kind: "resolved", Before: 1, After: 0},
		}, report.Messages); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]rehearsal.ChannelCount{{Channel: "ops", Kind: "firing", Reason: "below_min_severity", After: 1}}, report.HeldBack); diff != "" {
			t.Error(diff)
		}
		if len(r.All()) != 3 {
			t.Errorf("the receiver was called %d times", len(r.All()))
		}
	})
}

// TestBacktestRoutes: alerts that would go nowhere, and those that would reach somebody after all; expressions see the time of the push.
func TestBacktestRoutes(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("web", pipeline(obj{"when": "labels.team == 'web'"}, ingest("n"), tell("n", nil, "ops")))
		web := h.Send(servertest.Push(alert{Name: "Web", Labels: map[string]string{"team": "web"}}))
		h.Rest()
		db := h.Send(servertest.Push(alert{Name: "DB", Labels: map[string]string{"team": "db"}}))
		h.Rest()
		report := backtest(t, h, obj{"name": "web", "definition": pipeline(obj{"when": "labels.team == 'db'"}, ingest("n"), tell("n", nil, "ops"))})
		wantOtherwise(t, report, "- ops firing Web", "+ ops firing DB", "nowhere Web: delivered > no_route", "somewhere DB: no_route > delivered")
		if report.Nowhere.Items[0].ReceiptID.String() != web.ReceiptID || report.More.Items[0].ReceiptID.String() != db.ReceiptID ||
			!strings.Contains(strings.Join(report.Summary, " "), "would have made as many messages as they did: 1.") {
			t.Errorf("%+v", report)
		}
		// Beside the others, under a name of its own.
		wantOtherwise(t, backtest(t, h, obj{"name": "new", "definition": pipeline(obj{"when": "labels.team == 'db'"}, ingest("n"), tell("n", nil, "ops"))}),
			"+ ops firing DB", "somewhere DB: no_route > delivered")

		var at []time.Time
		if err := h.Server.DB().Read(t.Context()).Raw(`SELECT received_at FROM receipts ORDER BY id`).Scan(&at).Error; err != nil {
			t.Fatal(err)
		}
		between := at[0].Add(at[1].Sub(at[0]) / 2).UTC().Format(time.RFC3339Nano)
		all := func(trigger, node string) obj {
			n := tell("n", nil, "ops")
			if node != "" {
				n["when"] = node
			}
			on := obj{}
			if trigger != "" {
				on["when"] = trigger
			}
			return pipeline(on, ingest("n"), n)
		}
		wantOtherwise(t, backtest(t, h, obj{"name": "web", "definition": all("now < date('"+between+"')", "")}))
		wantOtherwise(t, backtest(t, h, obj{"name": "web", "definition": all("", "now < date('"+between+"') and incident.started_at < date('"+between+"')")}))
		wantOtherwise(t, backtest(t, h, obj{"name": "web", "definition": all("", "")}), "+ ops firing DB", "somewhere DB: no_route > delivered")
	})
}

// TestBacktestGrouping: incidents that would be one, and those that would be several.
func TestBacktestGrouping(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		h.Only("all", pipeline(obj{}, ingest("n"), tell("n", nil, "ops")))
		in := func(cluster string) map[string]string { return map[string]string{"cluster": cluster} }
		h.Send(servertest.Push(alert{Name: "Disk", Instance: "a", Labels: in("x")}))
		h.Rest()
		h.Send(servertest.Push(alert{Name: "Disk", Instance: "b", Labels: in("x")}))
		h.Rest()
		h.Send(servertest.Push(alert{Name: "CPU", Instance: "c", Labels: in("y")}))
		h.Rest()
		ids := []string{}
		for _, i := range h.Incidents() {
			ids = append(ids, i.ID)
		}
		report := backtest(t, h, obj{"group_by": obj{"default": []string{"alertname", "cluster"}}})
		wantOtherwise(t, report, "- ops firing Disk", "+ ops updated Disk", "merged Disk")
		if m := report.Merged.Items[0]; m.Parts != 2 || len(m.Incidents) != 2 || m.Incidents[0].String() != ids[0] || m.Incidents[1].String() != ids[1] ||
			!slices.Contains(m.Links, "/incidents/"+ids[1]) {
			t.Errorf("%+v, incidents %v", m, ids)
		}

		// The other way round: the source groups by cluster, and would not.
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/sources/default", obj{"group_by": []string{"cluster"}})
		h.Send(servertest.Push(alert{Name: "M", Instance: "m", Labels: in("z")}, alert{Name: "N", Instance: "n", Labels: in("z")}))
		h.Rest()
		list := h.Incidents()
		together := list[len(list)-1]
		if together.AlertCount != 2 {
			t.Fatalf("%+v", together)
		}
		h.Send(servertest.Push(alert{Name: "M", Instance: "m", Labels: in("z"), Status: "resolved"}))
		h.Rest()
		since := sinceReceipt(t, h, 3)
		report = backtest(t, h, obj{"group_by": obj{"default": []string{"alertname"}}, "since": since})
		wantOtherwise(t, report, "+ ops firing N", "+ ops resolved M", "split M,N")
		if s := report.Split.Items[0]; s.Parts != 2 || len(s.Incidents) != 1 || s.Incidents[0].String() != together.ID {
			t.Errorf("%+v", s)
		}
	})
}

// sinceReceipt is the time at which the n-th receipt came in, from 0.
func sinceReceipt(t *testing.T, h hub, n int) string {
	t.Helper()
	var at []time.Time
	if err := h.Server.DB().Read(t.Context()).Raw(`SELECT received_at FROM receipts ORDER BY id`).Scan(&at).Error; err != nil {
		t.Fatal(err)
	}
	return at[n].UTC().Format(time.RFC3339Nano)
}

// TestBacktestEdge: what was on before the window is known in it.
func TestBacktestEdge(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		same := pipeline(obj{}, ingest("n"), tell("n", obj{"min_severity": "warning"}, "ops"))
		h.Only("all", same)
		h.Want(http.StatusOK, http.MethodPatch, "/api/v1/sources/default", obj{"group_by": []string{"cluster"}})
		in := func(cluster string) map[string]string { return map[string]string{"cluster": cluster} }
		send := func(alerts ...alert) {
			h.Send(servertest.Push(alerts...))
			h.Rest()
		}
		send(alert{Name: "A", Severity: "warning", Labels: in("x")}, alert{Name: "B", Labels: in("x"), Severity: "warning"})
		send(alert{Name: "Over", Labels: in("o")})
		send(alert{Name: "Over", Labels: in("o"), Status: "resolved"})
		send(alert{Name: "Quiet", Labels: in("q"), Severity: "info"})
		send(alert{Name: "Open", Labels: in("p")})
		time.Sleep(3 * time.Millisecond) // ids tell milliseconds apart
		edge := count(t, h, "receipts")
		send(alert{Name: "A", Severity: "warning", Labels: in("x")})                      // nothing new
		send(alert{Name: "A", Severity: "critical", Labels: in("x")})                     // raised
		send(alert{Name: "A", Severity: "critical", Labels: in("x"), Status: "resolved"}) // B goes on, unheard of in the window
		send(alert{Name: "Over", Labels: in("o")})                                        // comes back
		send(alert{Name: "Quiet", Labels: in("q"), Severity: "info"})                     // held back before and now
		send(alert{Name: "More", Labels: in("p")})                                        // joins an incident that is there
		send(alert{Name: "Open", Labels: in("p"), Status: "resolved"}, alert{Name: "More", Labels: in("p"), Status: "resolved"})
		since := sinceReceipt(t, h, int(edge))
		report := backtest(t, h, obj{"name": "all", "definition": same, "since": since})
		wantOtherwise(t, report)
		if report.Receipts != 7 {
			t.Errorf("%d receipts", report.Receipts)
		}
		// A window that ends before the ends of things.
		wantOtherwise(t, backtest(t, h, obj{"name": "all", "definition": same, "since": since, "until": sinceReceipt(t, h, int(edge)+2)}))
		if report := backtest(t, h, obj{"name": "all", "definition": same, "since": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00Z"}); report.Receipts != 0 ||
			!strings.HasPrefix(report.Summary[0], "Nothing came in") {
			t.Errorf("%+v", report.Summary)
		}
	})
}

// TestBacktestBeside: the hub goes on taking alerts in meanwhile, and they are no part of it; a second one has to wait.
func TestBacktestBeside(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		same := pipeline(obj{}, ingest("n"), tell("n", nil, "ops"))
		h.Only("all", same)
		together(8, func(i int) {
			for n := range 50 {
				body := servertest.Push(alert{Name: "Storm", Instance: string(rune('a'+i)) + string(rune('a'+n%26))})
				if a, err := h.Try(http.MethodPost, door, body); err != nil || a.Status != http.StatusAccepted {
					t.Errorf("%v %d", err, a.Status)
				}
			}
		})
		atRest(t, h, nil)
		begun := h.Want(http.StatusAccepted, http.MethodPost, "/api/v1/backtests", obj{"name": "all", "definition": same, "since": "1h"})
		h.Want(http.StatusConflict, http.MethodPost, "/api/v1/backtests", obj{"name": "all", "since": "1h"})
		for n := range 20 {
			h.Send(servertest.Push(alert{Name: "Meanwhile", Instance: string(rune('a' + n))}))
		}
		var job rehearsal.Job
		testkit.Eventually(t, 3*time.Minute, func() bool {
			h.Get("/api/v1/backtests/"+begun["id"].(string), &job)
			return job.State != rehearsal.StateRunning
		}, "the back-test does not end")
		if job.State != rehearsal.StateDone || job.Result.Receipts != 400 || job.Done != 400 {
			t.Errorf("%+v", job)
		}
		wantOtherwise(t, *job.Result)
		atRest(t, h, nil)
		if n := count(t, h, "receipts"); n != 420 {
			t.Errorf("%d receipts", n)
		}
		id := begun["id"].(string)
		if l := h.Want(http.StatusOK, http.MethodGet, "/api/v1/backtests", nil)["items"].([]any); len(l) != 1 {
			t.Errorf("list %v", l)
		}
		h.Want(http.StatusNoContent, http.MethodDelete, "/api/v1/backtests/"+id, nil)
		h.Want(http.StatusNotFound, http.MethodGet, "/api/v1/backtests/"+id, nil)
	})
}

// TestBacktestRefused: what cannot be tried is refused before anything begins, with what is wrong.
func TestBacktestRefused(t *testing.T) {
	t.Parallel()
	h := servertest.Start(t, nil)
	good := pipeline(obj{}, ingest("n"), tell("n", nil, "ops"))
	for name, tt := range map[string]struct {
		ask    obj
		status int
		says   string
	}{
		"nothing otherwise": {obj{"since": "1h"}, 422, "nothing would be otherwise"},
		"no name":           {obj{"since": "1h", "definition": good}, 422, "say by name"},
		"bad definition":    {obj{"since": "1h", "name": "x", "definition": obj{"nodes": []obj{{"id": "a", "type": "b"}}}}, 422, "/definition/nodes/0/type"},
		"unknown":           {obj{"since": "1h", "name": "nothing"}, 404, "nothing"},
		"unknown source":    {obj{"since": "1h", "group_by": obj{"nothing": []string{"a"}}}, 404, "nothing"},
		"no since":          {obj{"name": "direct"}, 422, "/since"},
		"bad since":         {obj{"since": "soon", "name": "direct"}, 422, "/since"},
		"bad until":         {obj{"since": "1h", "until": "soon", "name": "direct"}, 422, "/until"},
		"backwards":         {obj{"since": "1h", "until": "2h", "name": "direct"}, 422, "ends before it begins"},
	} {
		a := h.Ask(http.MethodPost, "/api/v1/backtests", tt.ask)
		if a.Status != tt.status || !strings.Contains(string(a.Body), tt.says) {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	h.Want(http.StatusNotFound, http.MethodGet, "/api/v1/backtests/x", nil)
}
