package server_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/server"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
	"github.com/incidenthub/incidenthub/providers/providertest"
)

// Secrets of the hub: of a provider's settings.
const (
	keyCanary    = providertest.Key
	headerCanary = "hdr-c4n4ry-5f1e77"
)

// foreignCanaries are secrets in what comes from outside, each in the text that it stands in.
var foreignCanaries = map[string]string{
	"Hunt3rC4n4ry": "login failed: password=%s", "ghp_C4N4RYC4N4RYC4N4RYC4N4RYC4N4RY0001": "token: %s", "pgC4n4ryPw": "url=postgres://app:%s@db-1:5432/app",
	"C4n4ryBearer0123456789": "Authorization: Bearer %s", "sessC4n4ry77": "Cookie: session=%s", "T000/B000/C4n4ryHook": "https://hooks.slack.com/services/%s",
	"AKIAC4N4RYC4N4RYC4N4": "aws %s", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJDNG40cnkifQ.c2lnbmF0dXJl": "jwt %s",
}

const (
	labelCanary = "lblC4n4ry55" // under the key api_key
	checkCanary = "chkC4n4ry66" // under the key secret_token
)

// asTheyCame are tables that hold what a sender sent: alerts are theirs, and are quoted.
var asTheyCame = []string{"receipt_bodies", "observations", "alerts", "alert_history", "incidents", "receipts"}

// TestProviderSecrets: secrets of a provider's settings, of alerts, of checks and of answers are in nothing that is asked, stored, logged, told or
// shown. With store_prompts on, when the answer repeats them, and when it is an error.
func TestProviderSecrets(t *testing.T) {
	t.Parallel()
	servertest.Forms(t, func(t *testing.T, begin func(servertest.Setup) hub) {
		logs := &heard{}
		var said []string
		for secret, in := range foreignCanaries {
			said = append(said, fmt.Sprintf(in, secret))
		}
		slices.Sort(said)
		h := begin(servertest.Setup{
			Probe: &quiet{}, Log: slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}),
			Handlers: map[string]orchestration.Handler{"context": gives{obj{"checks_run": 1, "checks_failed": 1, "results": obj{
				"disk": obj{"status": "critical", "message": strings.Join(said[:4], "\n"), "metrics": obj{"secret_token": checkCanary, "percent": 97}},
			}}}},
		})
		r, model := servertest.NewReceiver(t), providertest.New(t, "openai").Lenient()
		h.Tell("ops", r)
		h.Asks(model, obj{"store_prompts": true, "headers": obj{"X-Team-Token": headerCanary}})
		preset(t, h, "full")
		echo, err := json.Marshal(obj{
			"summary": "Key " + keyCanary + " and " + headerCanary, "probable_cause": strings.Join(said, "\n"), "confidence": 0.7, "recommendations": []obj{{
				"type": "disk", "priority": "high", "title": "Key " + keyCanary, "description": strings.Join(said, "\n"), "actions": []string{"curl -H 'X: " + keyCanary + "' db-1"},
				"evidence": []string{"A1"}, "details": obj{"api_key": keyCanary},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		model.Answer(model.Says(string(echo)),
			providertest.Script{Status: http.StatusBadRequest, Body: `{"error":{"message":"your request was ` + keyCanary + " " + headerCanary + `"}}`},
			providertest.Script{Body: keyCanary + headerCanary})
		for i, name := range []string{"Leaky", "Refused", "Broken"} {
			body := servertest.Push(alert{Name: name, Summary: strings.Join(said, "\n"), Labels: map[string]string{
				"api_key": labelCanary, "note": "the hub said " + keyCanary,
			}})
			got := h.Send(body, "X-Forwarded-Authorization", "Bearer C4n4ryBearer0123456789")
			r.Waits(i + 1)
			h.Rest()
			if list := h.Analyses("run_id=" + *got.RunID); len(list) != 1 || list[0].Rung == "provider" != (i == 0) {
				t.Fatalf("%s: %+v", name, list)
			}
		}
		own := []string{keyCanary, headerCanary}
		all := append([]string{labelCanary, checkCanary}, own...)
		for secret := range foreignCanaries {
			all = append(all, secret)
		}
		for _, q := range model.Requests() {
			holdsNot(t, "a question", q.URL.String()+string(q.Body), all)
			for name, values := range q.Header {
				if name != "Authorization" && name != "X-Team-Token" {
					holdsNot(t, "a header of a question", strings.Join(values, " "), all)
				}
			}
		}
		q := model.Requests()
		if len(q) != 3 || q[0].Header.Get("X-Team-Token") != headerCanary || q[0].Header.Get("Authorization") != "Bearer "+keyCanary {
			t.Errorf("%d questions, the first with %v", len(q), q[0].Header)
		}
		for _, want := range []string{"db-1:5432", "[redacted:", "Leaky", "login failed"} { // so much was said
			if !strings.Contains(string(q[0].Body), want) {
				t.Errorf("no %q in the question %s", want, q[0].Body)
			}
		}
		holdsNot(t, "the logs", logs.String(), all)
		for _, m := range r.All() {
			holdsNot(t, "message "+m.Title, string(m.Raw), all)
		}
		for table, rows := range everyRow(t, h.Server.DB()) {
			if slices.Contains(asTheyCame, table) {
				holdsNot(t, "table "+table, rows, []string{headerCanary, checkCanary})
			} else {
				holdsNot(t, "table "+table, rows, all)
			}
		}
		for path, text := range dump(t, h) {
			if strings.Contains(path, "receipts") || strings.Contains(path, "incidents") { // with alerts, as they came
				holdsNot(t, path, text, []string{headerCanary, checkCanary})
			} else {
				holdsNot(t, path, text, all)
			}
		}
		for _, wrong := range []obj{
			{"name": "openai", "provider": "openai", "config": obj{"api_key": keyCanary + "x"}},
			{"name": "n", "provider": "none", "config": obj{"api_key": keyCanary}},
			{"name": "n", "provider": "openai", "config": obj{"api_key": keyCanary, "base_url": "http://user:" + headerCanary + "@127.0.0.1:1/v1"}},
			{"name": "n", "provider": "openai", "config": obj{"api_key": keyCanary, "timeout_s": "soon"}},
			{"name": "n", "provider": "openai", "config": obj{"api_key": []string{keyCanary}, "key": headerCanary}},
		} {
			a := h.Ask(http.MethodPost, "/api/v1/providers", wrong)
			if a.Status < 400 || a.Status >= 500 {
				t.Errorf("%v: %d", wrong, a.Status)
			}
			holdsNot(t, "a refusal", string(a.Body), own)
		}
		var out, errs bytes.Buffer
		if code := cli.Run(t.Context(), cli.Program{
			In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: h.Getenv, Open: server.Open,
		}, []string{"export"}); code != 0 || !strings.Contains(out.String(), "openai") {
			t.Errorf("export: %d %s %s", code, out.String(), errs.String())
		}
		holdsNot(t, "the export", out.String()+errs.String(), all)
	})
}

// holdsNot fails the test when a secret is in a text.
func holdsNot(t *testing.T, where, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		if at := strings.Index(text, s); at >= 0 {
			t.Errorf("%s: %q is in it: …%q…", where, s, text[max(0, at-120):min(len(text), at+len(s)+20)])
		}
	}
}

// everyRow is what all tables hold, by table.
func everyRow(t *testing.T, db *storage.DB) map[string]string {
	t.Helper()
	names := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if db.Engine() != storage.SQLite {
		names = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	var tables []string
	if err := db.Read(t.Context()).Raw(names).Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, table := range tables {
		out[table] = rowsIn(t, db, table)
	}
	if len(out) < 30 || out["analyses"] == "" || out["providers"] == "" {
		t.Errorf("%d tables: %q", len(out), tables)
	}
	return out
}

func rowsIn(t *testing.T, db *storage.DB, table string) string {
	t.Helper()
	rows, err := db.Read(t.Context()).Raw("SELECT * FROM " + table).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	values := make([]sql.RawBytes, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		for i, column := range columns {
			fmt.Fprintf(&b, "%s=%s\n", column, values[i])
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// dump is what the API and the pages show, by path: lists, and what they lead to.
func dump(t *testing.T, h hub) map[string]string {
	t.Helper()
	out := map[string]string{}
	b := signIn(t, h)
	for api, page := range map[string]string{
		"/api/v1/providers": "/providers", "/api/v1/analyses": "", "/api/v1/runs": "/runs", "/api/v1/incidents": "/incidents", "/api/v1/deliveries": "/deliveries",
		"/api/v1/channels": "/channels", "/api/v1/definitions": "/pipelines", "/api/v1/receipts": "",
	} {
		a := h.Ask(http.MethodGet, api, nil)
		if a.Status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", api, a.Status, a.Body)
		}
		out[api] = string(a.Body)
		if page != "" {
			out[page] = b.page(page)
		}
		list, _ := a.JSON()["items"].([]any)
		for _, item := range list {
			o, _ := item.(obj)
			id, _ := o["id"].(string)
			if id == "" {
				id, _ = o["run_id"].(string)
			}
			if id == "" {
				continue
			}
			out[api+"/"+id] = string(h.Ask(http.MethodGet, api+"/"+id, nil).Body)
			if one := b.h.Ask(http.MethodGet, strings.TrimSuffix("/"+strings.TrimPrefix(api, "/api/v1/"), "/")+"/"+id, nil, "Authorization", "", "Cookie", b.cookie); one.Status == http.StatusOK {
				out["page of "+api+"/"+id] = string(one.Body)
			}
		}
	}
	if len(out) < 20 {
		t.Errorf("only %d answers", len(out))
	}
	return out
}
