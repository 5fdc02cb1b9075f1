package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const full = `
channels:
  - name: ops
    driver: webhook
    min_severity: warning
    config:
      url: https://example.com/$${not_a_reference}
      token: ${OPS_TOKEN}
      headers: {Authorization: "Bearer ${OPS_TOKEN}", X-Plain: "1"}
      retries: 3
sources:
  - name: prod
    driver: alertmanager
    source_name: prod-am
    description: |
      first line
      second line
    group_by: [alertname, cluster]
  - name: pd
    signature: pagerduty
    signature_secret: ${PD_SECRET}
    group_by: vendor
    is_active: false
pipelines:
  - name: page
    tags: [a, b]
    config:
      version: "1.0"
      description: Tells the operators.
      trigger: {on: webhook, sources: ["*"], priority: 10, when: "severity == 'critical'"}
      defaults: {max_retries: 3, backoff_factor: 1.5}
      nodes:
        - id: alerts_in
          type: ingest
          next: tell
        - id: tell
          type: notify
          config: {channels: [ops]}
`

var vars = []string{"OPS_TOKEN", "canary-token", "PD_SECRET", "canary-secret"}

func TestApply(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		generation := func() int64 {
			t.Helper()
			n, err := db.Generation(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		created := []string{"create channel ops", "create source prod", "create source pd", "create pipeline page"}
		was := generation()
		dry := h.apply(t, full, apply.Options{DryRun: true}, vars...)
		if diff := cmp.Diff(created, steps(dry)); diff != "" || !dry.DryRun || dry.Steps[1].Key != "" {
			t.Errorf("dry run: key %q\n%s", dry.Steps[1].Key, diff)
		}
		if now := generation(); now != was {
			t.Errorf("a dry run moved the generation from %d to %d", was, now)
		}
		if list, err := h.Sources.List(t.Context(), tenant); err != nil || len(list) != 0 {
			t.Errorf("a dry run left %v, %v", list, err)
		}

		plan := h.apply(t, full, apply.Options{}, vars...)
		if diff := cmp.Diff(created, steps(plan)); diff != "" || plan.Changes() != 4 {
			t.Errorf("first time: %s", diff)
		}
		if len(plan.Steps[1].Key) < 43 {
			t.Errorf("the new source's key is %q", plan.Steps[1].Key)
		}
		was = generation()
		again := h.apply(t, full, apply.Options{Prune: true}, vars...)
		want := []string{"unchanged channel ops", "unchanged source prod", "unchanged source pd", "unchanged pipeline page"}
		if diff := cmp.Diff(want, steps(again)); diff != "" || again.Changes() != 0 || generation() != was {
			t.Errorf("second time, generation %d, was %d: %s", generation(), was, diff)
		}

		// Each of these is one change, found and made, and then no more.
		for name, tt := range map[string]struct {
			from, to string
			vars     []string
			want     []string
		}{
			"channel secret":  {"", "", []string{"OPS_TOKEN", "another-token", "PD_SECRET", "canary-secret"}, []string{"update channel ops: config"}},
			"channel setting": {"retries: 3", "retries: 4", vars, []string{"update channel ops: config"}},
			"channel":         {"min_severity: warning", "description: words", vars, []string{"update channel ops: description, min_severity"}},
			"source":          {"source_name: prod-am", "is_active: false", vars, []string{"update source prod: source_name, is_active"}},
			"source secret":   {"", "", []string{"OPS_TOKEN", "canary-token", "PD_SECRET", "another-secret"}, []string{"update source pd: signature_secret, signature_previous"}},
			"pipeline":        {"backoff_factor: 1.5", "backoff_factor: 2", vars, []string{"update pipeline page: config"}},
		} {
			changed := strings.Replace(full, tt.from, tt.to, 1)
			for i, want := range [][]string{tt.want, nil} {
				plan := h.apply(t, changed, apply.Options{}, tt.vars...)
				var got []string
				for _, s := range steps(plan) {
					if !strings.HasPrefix(s, "unchanged ") {
						got = append(got, s)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, time %d: %s", name, i+1, diff)
				}
			}
			h.apply(t, full, apply.Options{}, vars...)
		}
	})
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		if _, _, _, err := h.Sources.EnsureDefault(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		if err := h.Channels.EnsureInbox(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		h.apply(t, full, apply.Options{}, vars...)
		half := "sources:\n  - name: prod\n    driver: alertmanager\npipelines:\n"
		if got := steps(h.apply(t, half, apply.Options{})); len(got) != 1 {
			t.Errorf("without prune: %v", got)
		}
		want := []string{"unchanged source prod", "delete pipeline page", "delete source pd"}
		for _, dry := range []bool{true, false} {
			if diff := cmp.Diff(want, steps(h.apply(t, half, apply.Options{Prune: true, DryRun: dry}))); diff != "" {
				t.Errorf("dry run %t: %s", dry, diff)
			}
		}
		if diff := cmp.Diff([]string{"delete channel ops"}, steps(h.apply(t, "channels: []\n", apply.Options{Prune: true}))); diff != "" {
			t.Errorf("the default source, the inbox or kinds that the file does not have: %s", diff)
		}
		list, err := h.Sources.List(t.Context(), tenant)
		if err != nil || len(list) != 2 || list[0].Name != sources.DefaultName {
			t.Errorf("sources left: %v, %v", list, err)
		}
		channels, err := h.Channels.List(t.Context(), tenant)
		if err != nil || len(channels) != 1 || channels[0].Name != notify.InboxName {
			t.Errorf("channels left: %v, %v", channels, err)
		}
	})
}

// All or nothing, and every problem with its line.
func TestApplyProblems(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		h.apply(t, full, apply.Options{}, vars...)
		file := `
channels:
  - name: good
    driver: webhook
    config: {url: "https://example.com"}
  - name: bad
    driver: webhook
    config:
      token: canary-token
      typo: 1
  - name: ops
    driver: webhook
    config:
      url: https://example.com
      retries: many
sources:
  - name: no spaces
    driver: nagios
    signature: grafana
pipelines:
  - name: page
    config:
      version: "1.0"
      nodes:
        - id: a
          type: ingest
          next: nowhere
`
		_, err := h.Apply(t.Context(), read(t, file, env()), apply.Options{Tenant: tenant, By: "test"})
		if _, ok := errors.AsType[*apply.Problems](err); !ok {
			t.Fatalf("Apply = %v, want *Problems", err)
		}
		for _, want := range []string{
			`line 8: channel "bad": config.url: is required`, `line 10: channel "bad": config.typo: unknown`,
			`line 15: channel "ops": config.retries: `,
			`line 17: source "no spaces": name: use 1 to 64`, `line 18: source "no spaces": driver: "nagios" is not known`,
			`line 17: source "no spaces": signature_secret: scheme "grafana" needs`,
			`line 27: pipeline "page": config.nodes.0.next: `,
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("no %q in\n%v", want, err)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("a secret is shown: %v", err)
		}
		if _, err := h.Channels.Get(t.Context(), tenant, "good"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("part of the file was applied: %v", err)
		}
	})
}

// An export applied elsewhere gives the same hub; secrets are not in it.
func TestExport(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		if _, _, _, err := h.Sources.EnsureDefault(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		h.apply(t, full, apply.Options{}, vars...)
		h.apply(t, strings.Replace(full, "${PD_SECRET}", "second-secret", 1), apply.Options{}, vars...)
		if err := h.Pipelines.InstallPresets(t.Context(), tenant, "direct"); err != nil {
			t.Fatal(err)
		}
		file, names, err := h.Export(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(file), "canary") || strings.Contains(string(file), "second-secret") {
			t.Errorf("secrets are exported:\n%s", file)
		}
		secrets := []string{
			"CHANNEL_OPS_HEADERS_AUTHORIZATION", "Bearer canary-token", "CHANNEL_OPS_TOKEN", "canary-token",
			"SOURCE_PD_SIGNATURE_SECRET", "second-secret", "SOURCE_PD_SIGNATURE_PREVIOUS", "canary-secret",
		}
		for i, name := range names {
			if secrets[2*i] != name {
				t.Errorf("variable %d is %s, want %s", i, name, secrets[2*i])
			}
		}
		same := h.apply(t, string(file), apply.Options{Prune: true}, secrets...)
		if same.Changes() != 0 || len(same.Steps) != 11 {
			t.Errorf("applying the export changes the hub: %v\n%s", steps(same), file)
		}
		other := newHub(t, dbtest.Open(t, storage.SQLite))
		other.apply(t, string(file), apply.Options{}, secrets...)
		if again, _, err := other.Export(t.Context(), tenant); err != nil || string(again) != string(file) {
			t.Errorf("%v\n%s", err, cmp.Diff(string(file), string(again)))
		}
	})
}
