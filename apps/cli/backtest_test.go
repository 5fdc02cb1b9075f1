package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

func TestBacktest(t *testing.T) {
	t.Parallel()
	const report = `{"id":"01a1fccf-a530-7d62-b034-91d364219555","state":"done","phase":"","receipts_done":3,"receipts_total":3,"started_at":"2026-03-01T12:00:00Z","result":{
		"summary":["4 alerts in 3 receipts would have made 2 messages instead of 3."],"notes":["One message failed."],"since":"2026-03-01T12:00:00Z","until":"2026-03-02T12:00:00Z",
		"receipts":3,"observations":4,"took_ms":92,"messages":[{"channel":"ops","kind":"firing","before":2,"after":1}],
		"held_back":[{"channel":"ops","kind":"firing","reason":"below_min_severity","before":0,"after":1}],
		"fewer":{"total":7,"items":[{"channel":"ops","kind":"firing","alert":"disk \u001b[2J","was":"delivered","would_be":"no_route","receipt_id":"01a1fccf-a530-7d62-b034-91d364219556",
			"incident_id":"","run_id":"","delivery_id":"","links":[]}]},
		"more":{"total":0,"items":[]},"nowhere":{"total":1,"items":[{"receipt_id":"01a1fccf-a530-7d62-b034-91d364219557","index":2,"alert":"CPU","was":"delivered","would_be":"no_route",
			"incident_id":"01a1fccf-a530-7d62-b034-91d364219558","run_id":"","links":[]}]},
		"somewhere":{"total":0,"items":[]},"merged":{"total":1,"items":[{"incidents":[],"titles":["Disk"],"parts":2,"receipts":[],"links":["/incidents/a","/incidents/b"]}]},
		"split":{"total":0,"items":[]},"unreadable":{"total":1,"items":[{"receipt_id":"01a1fccf-a530-7d62-b034-91d364219559","why":"no driver","links":[]}]},"readable":{"total":0,"items":[]}}}`
	const begun = `{"id":"01a1fccf-a530-7d62-b034-91d364219555","state":"running","phase":"starting","started_at":"2026-03-01T12:00:00Z","result":null}`
	path := "/api/v1/backtests/01a1fccf-a530-7d62-b034-91d364219555"
	a := newAPI(t, map[string]string{"POST /api/v1/backtests": begun, "GET " + path: report})
	s := newShell(t)
	s.vars["HUB_SERVER"], s.vars["HUB_TOKEN"] = a.URL, "the-key"

	file := filepath.Join(t.TempDir(), "direct.json")
	if err := os.WriteFile(file, []byte(`{"version":"1.0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.ok(t, "", "backtest", "--definition", file, "--since", "48h", "--group-by", "alertmanager=alertname,cluster", "--group-by", "grafana=vendor")
	rest := out
	for _, want := range []string{
		"4 alerts in 3 receipts would have made 2 messages instead of 3.\nNote: One message failed.\n", "3 receipts, 4 alerts; it took 92ms",
		"\nMESSAGES\nCHANNEL ", "ops      firing  2     1         -1\n", "\nHELD BACK\n", "below_min_severity  0     1         +1\n",
		"\nWOULD NOT BE SENT\n", "disk  [2J", "/receipts/01a1fccf-a530-7d62-b034-91d364219556", "and 6 more\n",
		"\nWOULD GO NOWHERE\n", "CPU", "no_route", "/incidents/01a1fccf-a530-7d62-b034-91d364219558\n",
		"\nINCIDENTS THAT WOULD BE ONE\n", "2      Disk    /incidents/a /incidents/b\n", "\nRECEIPTS THAT CANNOT BE READ ANY MORE\n", "no driver\n",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("no %q in\n%s\nof\n%s", want, rest, out)
		}
		rest = after
	}
	if strings.Contains(out, "\x1b") || strings.Contains(out, "WOULD BE SENT") {
		t.Errorf("%q", out)
	}
	var job map[string]any
	decode(t, s.ok(t, "", "backtest", "--name", "night", "--json"), &job)
	if job["state"] != "done" {
		t.Errorf("%v", job)
	}
	want := []string{
		`POST /api/v1/backtests {"name":"direct","definition":{"version":"1.0"},"since":"48h","group_by":{"alertmanager":["alertname","cluster"],"grafana":["vendor"]}}`,
		"GET " + path, `POST /api/v1/backtests {"name":"night","since":"7d"}`, "GET " + path,
	}
	if diff := cmp.Diff(want, a.asked); diff != "" {
		t.Error(diff)
	}
	for name, args := range map[string][]string{
		"nothing":      {"backtest"},
		"bad grouping": {"backtest", "--group-by", "alertmanager"},
		"no name":      {"backtest", "--definition", "-"},
	} {
		if r := s.run(t, `{"version":"1.0"}`, args...); r.code == cli.ExitOK {
			t.Errorf("%s: succeeded", name)
		}
	}
}
