package server_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// gives is a context node that gives out the labels of its run's first alert and whatever else a test wants.
type gives struct{ more obj }

func (g gives) Run(c *orchestration.NodeContext) orchestration.Result {
	out := obj{}
	maps.Copy(out, g.more)
	if len(c.Run.Alerts) > 0 {
		out["labels"] = c.Run.Alerts[0].Labels
		if c.Node.ID == "broken" {
			return orchestration.Result{Err: errors.New("no answer to token=" + c.Run.Alerts[0].Labels["api_key"]), Type: "context", Input: out}
		}
	}
	return orchestration.Result{Output: out, Input: out}
}

// TestSnapshotsHoldNoSecrets: secrets in an alert's labels, by name, by form, and of the hub itself, go through a context and a transform
// node; nothing of them is in what the run keeps, shows, or hands to later nodes.
func TestSnapshotsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	const canary, own = "Cnry7Zq0Wx9", "own-secret-of-a-channel-55"
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) hub) {
		h := begin(servertest.Setup{Handlers: map[string]orchestration.Handler{"context": gives{}}})
		r := servertest.NewReceiver(t)
		h.Tell("team", r)
		h.Want(http.StatusCreated, http.MethodPost, "/api/v1/channels", obj{
			"name": "signed", "driver": "generic", "config": obj{"endpoint": r.URL, "headers": obj{"Authorization": "Bearer " + own}},
		})
		h.Only("p", pipeline(nil, ingest([]string{"look", "broken"}),
			obj{"id": "look", "type": "context", "next": "shape"},
			obj{"id": "broken", "type": "context", "max_retries": 1, "next": "tell"},
			obj{"id": "shape", "type": "transform", "config": obj{"source_node": "look", "mapping": obj{"l": "labels", "key": "labels.api_key"}}, "next": "tell"},
			notify("tell", "team")))
		h.Send(servertest.Push(alert{Name: "Leaky", Labels: map[string]string{
			"api_key": canary, "url": "https://user:" + canary + "@db-1.example.com:5432/x", "note": "Bearer " + canary + "0123456789", "team": "db",
			"hub": "it said " + own + " to it", "aws": "AKIA" + "IOSFODNN7EXAMPLE",
		}}))
		h.Rest()
		run := h.Runs("definition=p")[0]
		shown := string(h.Ask(http.MethodGet, "/api/v1/runs/"+run.ID, nil).Body)
		stored := rowsOf(t, h)
		page := signIn(t, h).page("/runs/" + run.ID)
		for where, text := range map[string]string{"API": shown, "tables": stored, "page": page} {
			for _, secret := range []string{canary, own, "IOSFODNN7"} {
				if strings.Contains(text, secret) {
					at := strings.Index(text, secret)
					t.Errorf("%s: %q is in it: %s", where, secret, text[max(0, at-200):at+40])
				}
			}
			for _, want := range []string{"[redacted:api_key]", "[redacted:url_credentials]", "db-1.example.com:5432", "[redacted:bearer]", "[redacted:secret]", "[redacted:aws_key]", "no answer to token=[redacted:token]"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %q is missing", where, want)
				}
			}
		}
		if state, _, out, _ := node(t, h.Run(run.ID), "shape"); state != "succeeded" || out["transformed"].(obj)["key"] != "[redacted:api_key]" {
			t.Errorf("the transform: %s %v", state, out)
		}
	})
}

// TestSnapshotsAreCut: a node gives out five megabytes; what is kept is a document of 64 KiB that says so, wherever it is shown.
func TestSnapshotsAreCut(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) hub) {
		h := begin(servertest.Setup{Handlers: map[string]orchestration.Handler{"context": gives{obj{
			"log": strings.Repeat("é", 2_500_000), "host": "db-1", "id": json.Number("12345678901234567890"), "samples": make([]int, 50_000),
		}}}})
		h.Only("p", pipeline(nil, ingest("look"), obj{"id": "look", "type": "context", "next": "shape"},
			obj{"id": "shape", "type": "transform", "config": obj{"source_node": "look", "extract": "host"}}))
		h.Send(servertest.Fire("Big"))
		h.Rest()
		run := h.Runs("definition=p")[0]
		run = h.Run(run.ID)
		_, _, out, _ := node(t, run, "look")
		log, _ := out["log"].(string)
		samples, _ := out["samples"].([]any)
		if out["truncated"] != true || !strings.HasSuffix(log, "… (cut, 5000000 bytes)") || len(samples) < 1000 || out["host"] != "db-1" {
			t.Errorf("the output: truncated %v, host %v, %d samples, a log that ends in %.40q", out["truncated"], out["host"], len(samples), log[max(0, len(log)-40):])
		}
		for _, n := range run.Nodes {
			if len(n.Output) > 70<<10 {
				t.Errorf("node %s shows %d bytes", n.Node, len(n.Output))
			}
			if n.Node == "look" && !strings.Contains(string(n.Output), "12345678901234567890") {
				t.Error("a number is not as it was")
			}
		}
		if n := len(rowsOf(t, h)); n > 400<<10 {
			t.Errorf("%d bytes are stored", n)
		}
		if page := signIn(t, h).page("/runs/" + run.ID); !strings.Contains(page, "(cut, 5000000 bytes)") {
			t.Error("the page does not say that it was cut")
		}
		if state, _, out, _ := node(t, run, "shape"); state != "succeeded" || out["transformed"] != "db-1" {
			t.Errorf("the transform: %s %v", state, out)
		}
	})
}

// rowsOf is what the tables of nodes hold.
func rowsOf(t *testing.T, h hub) string {
	t.Helper()
	var out strings.Builder
	for _, sql := range []string{
		`SELECT COALESCE(CAST(input AS text), '') || COALESCE(CAST(output AS text), '') || COALESCE(CAST(detail AS text), '') || error FROM node_runs`,
		`SELECT COALESCE(CAST(input AS text), '') || error FROM node_attempts`, `SELECT error_message FROM runs`,
	} {
		var rows []string
		if err := h.Server.DB().Read(t.Context()).Raw(sql).Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			out.WriteString(r + "\n")
		}
	}
	return out.String()
}
