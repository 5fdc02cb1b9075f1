package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lists are the lists of /api/v1, and what else takes parameters to choose by.
var lists = []string{
	"alerts", "analyses", "backtests", "changes", "channel-drivers", "channels", "checkers", "checks", "checks/latest", "checks/history", "definitions", "definitions/x/diff",
	"definitions/x/versions", "deliveries", "inbox", "incidents", "incidents/x/timeline", "keys", "ledger/lines", "preflight", "provider-kinds", "provider-usage", "providers",
	"providers/x/usage", "queues/ingest/jobs", "receipts", "receipts/x/observations", "runs", "silences", "sources",
}

// TestUnknownParametersAreRefused: a list that passes a filter over in silence shows what nobody asked for.
func TestUnknownParametersAreRefused(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for _, path := range lists {
		p := problem(t, h.call(h.admin, "GET", "/api/v1/"+path+"?made_up=1&made_up=2", ""), 422)
		found := 0
		for _, e := range p.Errors { // what is required and missing is told as well
			if e.Location == "query.made_up" && strings.HasPrefix(e.Message, "is unknown; known are ") {
				found++
			}
		}
		if found != 1 || p.TraceID == "" || p.Detail != "The request cannot be used as it is; correct what is listed in errors." {
			t.Errorf("%s: %+v", path, p)
		}
	}
	for query, want := range map[string][]string{
		"runs?incident_id=x":           {`query.incident_id: is unknown; known are cursor, definition, incident, limit, receipt, source, state, status; did you mean "incident"?`},
		"analyses?incident=x":          {`query.incident: is unknown; known are cursor, incident_id, limit, provider, run_id, rung, status; did you mean "incident_id"?`},
		"channels?nane=x":              {`query.nane: is unknown; known are cursor, limit; `},
		"definitions?inactive=x":       {`query.inactive: is unknown; known are cursor, include_inactive, limit; `},
		"incidents?Limit=5":            {`query.Limit: is unknown; known are cursor, limit, q, severity, status; did you mean "limit"?`},
		"incidents?limit=0&b=1&a=%00":  {"query.limit: expected number >= 1; ", "query.a: is unknown; known are cursor, limit, q, severity, status; ", "query.b: is unknown; known are cursor, limit, q, severity, status; "},
		"silences?" + long(200) + "=1": {"query: has a parameter of 200 characters that is unknown; known are cursor, kind, limit, q, status; "},
	} {
		var got []string
		for _, e := range problem(t, h.call(h.admin, "GET", "/api/v1/"+query, ""), 422).Errors {
			got = append(got, e.Location+": "+e.Message+"; "+e.Suggestion)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	many := url.Values{}
	for i := range 500 {
		many.Set(strings.Repeat("k", i+1), "1")
	}
	if p := problem(t, h.call(h.admin, "GET", "/api/v1/runs?"+many.Encode(), ""), 422); len(p.Errors) != 50 {
		t.Errorf("%d are listed", len(p.Errors))
	}
}

func long(n int) string { return strings.Repeat("k", n) }

// TestParametersThatMayBe: every list takes those of pages, and what is no list of /api/v1 is as lenient as it was.
func TestParametersThatMayBe(t *testing.T) {
	t.Parallel()
	h := onSQLite(t)
	for _, path := range []string{
		"/api/v1/channels?limit=200&cursor=", "/api/v1/keys?limit=1", "/api/v1/definitions?limit=5&include_inactive=false", "/api/v1/incidents?", "/api/v1/changes?label=a=b&label=c=d",
		"/api/v1/incidents/counts?x=1", "/api/v1/ledger?x=1", "/api/v1/channels/inbox?x=1", "/healthz?x=1", "/livez?x=1", "/openapi.json?x=1", "/orchestration/definitions?x=1",
		"/orchestration/pipelines/?x=1&limit=1", "/notify/drivers?x=1", "/intelligence/providers?x=1",
	} {
		if w := h.call(h.admin, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/api/v1/runs?x=1", "/api/v1/runs/?x=1"} {
		problem(t, h.call("", "GET", path, ""), 401) // who may not look learns nothing of it
		problem(t, h.call(h.read, "GET", path, ""), 422)
	}
}
