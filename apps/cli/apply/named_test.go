package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const telling = `
channels:
  - {name: ops, driver: webhook, config: {url: "https://a.example"}}
  - {name: mail, driver: webhook, config: {url: "https://b.example"}, is_active: false}
pipelines:
  - name: full
    config: {version: "1.0", nodes: [{id: in, type: ingest}, {id: tell, type: notify, config: {channels: [ops]}}]}
  - name: night
    is_active: false
    config: {version: "1.0", nodes: [{id: in, type: ingest}, {id: tell, type: notify, config: {channels: [mail, phone]}}]}
`

// TestNamedChannels: what is said is what is so after the change, be it done or only tried.
func TestNamedChannels(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		want := []string{
			`pipeline "night", which is not active, names "mail", which is told nothing`,
			`pipeline "night", which is not active, names "phone", which does not exist`,
		}
		for _, o := range []apply.Options{{DryRun: true}, {}, {}} {
			if diff := cmp.Diff(want, h.apply(t, telling, o).Warnings); diff != "" {
				t.Errorf("%+v:\n%s", o, diff)
			}
		}
		if got := h.apply(t, "sources: []", apply.Options{}).Warnings; len(got) != 0 {
			t.Errorf("of pipelines that are neither active nor in the file: %q", got)
		}
		doc, err := apply.Read([]byte("channels: []"), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Apply(t.Context(), doc, apply.Options{Tenant: tenant, Prune: true}); err == nil || !strings.Contains(err.Error(), `prune channel "ops": `+orchestration.ErrChannelNamed.Error()+": full") {
			t.Errorf("pruned: %v", err)
		}
		if list, err := h.Channels.List(t.Context(), tenant); err != nil || len(list) != 2 {
			t.Errorf("there are %d channels, %v", len(list), err)
		}
		pruned := h.apply(t, "channels: []\npipelines: []", apply.Options{Prune: true})
		if len(pruned.Warnings) != 0 || pruned.Changes() != 4 {
			t.Errorf("both pruned: %v, %q", steps(pruned), pruned.Warnings)
		}
		alone := h.apply(t, telling[strings.Index(telling, "pipelines:"):], apply.Options{})
		if diff := cmp.Diff(`pipeline "full" names "ops", which does not exist: its messages go nowhere`, alone.Warnings[0]); diff != "" || len(alone.Warnings) != 3 {
			t.Errorf("without channels: %q", alone.Warnings)
		}
	})
}
