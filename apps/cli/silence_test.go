package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/apps/silences"
)

func TestSilenceCommands(t *testing.T) {
	t.Parallel()
	one := `{"id":"s-1","name":"patch night","kind":"silence","matchers":["instance=~\"a|b\"","x=\"a\u202eb\""],"comment":` + text(hostile) + `,"created_by":"ada","starts_at":"2026-03-01T12:00:00Z",
		"ends_at":"2026-03-01T14:00:00Z","active_until":"2026-03-01T14:00:00Z","until_resolved":true,"unused_for":"3d","status":"active","holding":2,"version":1}`
	preview := `{"matchers":["a=b"],"now":{"alerts":2,"incidents":1,"list":[{"name":"Disk","severity":"critical"}],"bounded":false},
		"last_7_days":{"messages":3,"incidents":1,"channels":[{"channel":"ops","messages":3}],"list":[],"looked_at":9,"since":"2026-02-22T12:00:00Z","bounded":true},"windows":[],"before":null}`
	a := newAPI(t, map[string]string{
		"GET /api/v1/silences": `{"items":[` + one + `],"next_cursor":""}`, "GET /api/v1/silences/s-1": one, "POST /api/v1/silences": one,
		"POST /api/v1/silences/preview": preview, "DELETE /api/v1/silences/s-1": ``, "PATCH /api/v1/silences/s-1": one,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	for name, tt := range map[string]struct {
		args  []string
		code  int
		wants []string // in what is written
		asked string
	}{
		"list":     {[]string{"silence", "list"}, 0, []string{"s-1", "NAME", "patch night", "2026-03-01 14:00:00Z, when resolved, unused for 3d", `instance=~"a|b"`, `x="a\u202eb"`}, "GET /api/v1/silences?limit=50&status=active%2Cpending"},
		"show":     {[]string{"silence", "show", "s-1"}, 0, []string{"is active", "By ada", "2 incidents wait"}, "GET /api/v1/silences/s-1"},
		"create":   {[]string{"silence", "create", "-m", `instance=~"a,b"`, "--matcher", "x=y", "--duration", "2h", "-c", "why"}, 0, []string{"s-1"}, `"matchers":["instance=~\"a,b\"","x=y"]`},
		"incident": {[]string{"silence", "create", "--incident", "i-1", "--until-resolved"}, 0, []string{"s-1"}, `"incident_id":"i-1"`},
		"recurs": {
			[]string{"silence", "create", "--maintenance", "-m", "a=b", "--rrule", "FREQ=DAILY", "--window", "1h", "--timezone", "Europe/Berlin"},
			0,
			[]string{"s-1"},
			`"recurrence":{"rrule":"FREQ=DAILY","duration":"1h","timezone":"Europe/Berlin"}`,
		},
		"preview":       {[]string{"silence", "preview", "-m", "a=b"}, 0, []string{"matches 2 alerts that fire now, of 1 incident.", "kept back 3 of 9 messages", "too much to look at", "3 by ops"}, `POST /api/v1/silences/preview {"matchers":["a=b"]}`},
		"expire":        {[]string{"silence", "expire", "s-1"}, 0, []string{"s-1 is active"}, "DELETE /api/v1/silences/s-1"},
		"update":        {[]string{"silence", "update", "s-1", "--until-resolved", "--no-end", "--no-rrule", "-c", ""}, 0, []string{"s-1 patch night is active"}, `PATCH /api/v1/silences/s-1 {"comment":"","ends_at":null,"recurrence":null,"until_resolved":true}`},
		"begin":         {[]string{"silence", "update", "s-1", "--start-now", "--duration", "2h"}, 0, []string{"s-1 patch night is active"}, `PATCH /api/v1/silences/s-1 {"duration":"2h","starts_at":null}`},
		"no change":     {[]string{"silence", "update", "s-1"}, 2, []string{"say what to change"}, ""},
		"contradiction": {[]string{"silence", "update", "s-1", "--no-end", "--duration", "2h"}, 2, []string{"sets --ends-at"}, ""},
		"nothing":       {[]string{"silence", "create", "--duration", "2h"}, 2, []string{"--matcher or --incident"}, ""},
		"both":          {[]string{"silence", "create", "-m", "a=b", "--incident", "i"}, 2, []string{"not both"}, ""},
		"a time":        {[]string{"silence", "create", "-m", "a=b", "--ends-at", "noon"}, 2, []string{"--ends-at must look like"}, ""},
		"a span":        {[]string{"silence", "create", "-m", "a=b", "--duration", "soon"}, 2, []string{"--duration must be"}, ""},
		"a rule":        {[]string{"silence", "create", "-m", "a=b", "--rrule", "FREQ=DAILY"}, 2, []string{"--rrule and --window"}, ""},
	} {
		a.asked = nil
		got := s.run(t, "", tt.args...)
		code, out, errs := got.code, got.out, got.err
		if code != tt.code {
			t.Errorf("%s: code %d, want %d: %s", name, code, tt.code, errs)
		}
		for _, want := range tt.wants {
			if !strings.Contains(out+errs, want) {
				t.Errorf("%s: no %q in %s%s", name, want, out, errs)
			}
		}
		if all := strings.Join(a.asked, "\n"); !strings.Contains(all, tt.asked) {
			t.Errorf("%s: asked %s, want %s", name, all, tt.asked)
		}
		if strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s steers the terminal: %q", name, out)
		}
	}
}

// TestSilenceWords: what the hub refuses is said in flags, and what matches nothing is said.
func TestSilenceWords(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{
		"POST /api/v1/silences/preview": `{"matchers":["a=b"],"now":{"alerts":0,"incidents":0,"list":[],"idle":["a=\"b\""]},"last_7_days":{"messages":0,"incidents":0,"looked_at":1}}`,
	})
	refused := ""
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"detail":"the silence is not valid","errors":[` + refused + `]}`))
	}))
	t.Cleanup(hub.Close)
	s := newShell(t)
	s.vars["HUB_TOKEN"] = "the-key"
	s.vars["HUB_SERVER"] = hub.URL
	for in, want := range map[string]string{
		`{"pointer":"/ends_at","message":` + text(silences.NoEnd) + `}`:                                                "Say when it ends: --duration, --ends-at, --until-resolved",
		`{"pointer":"/matchers/1","message":"the quote is never closed, at character 4 of duration=\"x"}`:              "--matcher number 2: the quote is never closed, at character 4 of duration=",
		`{"pointer":"/recurrence/duration","message":"is too long; say in ends_at when it is over, recurrence.rrule"}`: "--window: is too long; say in --ends-at when it is over, --rrule",
		`{"pointer":"/elsewhere","message":"about duration"}`:                                                          "/elsewhere: about duration",
	} {
		refused = in
		if got := s.run(t, "", "silence", "create", "-m", "a=b"); got.code != 1 || !strings.Contains(got.err, want) || strings.Contains(got.err, "until_resolved") {
			t.Errorf("%s is said as %s, want %q", in, got.err, want)
		}
	}
	s.vars["HUB_SERVER"] = a.URL
	got := s.run(t, "", "silence", "preview", "-m", "a=b")
	for _, want := range []string{"It matches no alert now", `Nothing that fires has a="b"`, "0 of 1 message, of 0 incidents"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("no %q in %s", want, got.out)
		}
	}
}
