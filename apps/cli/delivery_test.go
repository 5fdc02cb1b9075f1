package cli_test

import (
	"strings"
	"testing"
)

// TestDeliveryShow: everything that went otherwise than it should is on the screen.
func TestDeliveryShow(t *testing.T) {
	t.Parallel()
	a := newAPI(t, map[string]string{
		"GET /api/v1/deliveries/d-1": `{"id":"d-1","title":"Disk","kind":"firing","channel":"ops","state":"dead","reason":"http_404","parts":5,"sent":2,"instead_id":"d-2",
			"remark":"the template failed","instead":[{"id":"d-2","channel":"phone","state":"dead","reason":"http_500"},{"id":"d-3","channel":"","state":"delivered"}],
			"attempts":[{"n":1,"at":"2026-03-01T12:00:01Z","status":404,"latency_ms":1.5,"verdict":"permanent","error":"the receiver answered 404 Not Found","response":` + text("no such "+hostile) + `}]}`,
		"GET /api/v1/deliveries/d-4": `{"id":"d-4","title":"Disk","kind":"firing","channel":"mail","state":"delivered","partly":"not taken for 1 of 2 recipients, b@example.com among them","cause":"fallback",
			"stands_in":[{"id":"d-1","channel":"ops","state":"dead","reason":"http_404"}],"attempts":[{"n":1,"status":250,"verdict":"done","error":"not taken"}]}`,
		"GET /api/v1/deliveries/d-5": `{"id":"d-5","title":"Disk","kind":"firing","channel":"ops","state":"suppressed","reason":"throttled","detail":"at most 2 in 4s",
			"instead":[{"id":"d-6","channel":"ops","state":"delivered"}],"attempts":null}`,
		"GET /api/v1/deliveries": `{"items":[{"id":"d-4","channel":"mail","kind":"firing","state":"delivered","partly":"not taken for b"},
			{"id":"d-5","channel":"ops","kind":"firing","state":"suppressed","reason":"throttled","instead_id":"d-6"},{"id":"d-1","channel":"ops","kind":"firing","state":"dead","reason":"http_404","instead_id":"d-2"}]}`,
	})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	for about, want := range map[string][]string{
		"show d-1": {
			"firing to ops: dead\nWhy: http 404\nRemark: the template failed\nParts: 2 of 5 have arrived\nTold instead: phone (dead, http 500), delivery d-2\nTold instead: (deleted) (delivered), delivery d-3\n",
			"the receiver answered 404 Not Found\n\nANSWER TO 1\nno such disk",
		},
		"show d-4": {"firing to mail: partly delivered\nNot for all: not taken for 1 of 2 recipients, b@example.com among them\nMade by: fallback\nIn the place of: ops (dead, http 404), delivery d-1\n"},
		"show d-5": {"Why: throttled: at most 2 in 4s\nTold later: ops (delivered), delivery d-6\n"},
		"list":     {"partly delivered", "not taken for b", "throttled; told later", "http 404; passed on to another channel"},
	} {
		out := s.ok(t, "", append([]string{"delivery"}, strings.Fields(about)...)...)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", about, w, out)
			}
		}
		if strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s steers the terminal", about)
		}
	}
}

// TestWhyOfManyChannels: what is to be said of many channels is said once.
func TestWhyOfManyChannels(t *testing.T) {
	t.Parallel()
	steps := make([]string, 0, 22)
	for n := range 21 {
		steps = append(steps, `{"at":"2026-03-01T10:00:00Z","what":"channel","name":"c`+string(rune('a'+n))+`","result":"held_back","why":"a silence covers it","links":{}}`)
	}
	steps = append(steps, `{"at":"2026-03-01T10:05:00Z","what":"channel","name":"late","result":"held_back","why":"a silence covers it","links":{}}`)
	a := newAPI(t, map[string]string{"GET /api/v1/why/i-1": `{"subject":{"kind":"incident","id":"i-1","title":"Disk"},"verdict":"Nobody was told","steps":[` + strings.Join(steps, ",") + `],"left_out":[]}`})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"
	out := s.ok(t, "", "why", "i-1")
	for _, want := range []string{"channel   ca, cb, cc, cd, ce, cf, cg, ch and 13 more: held back -", "10:05:00.000  channel   late: held back"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if all := s.ok(t, "", "why", "i-1", "--all"); strings.Count(all, "held back") != 22 {
		t.Error(all)
	}
}
