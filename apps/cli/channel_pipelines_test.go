package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli"
)

// named is a file of a channel and of pipelines that name it.
const named = `
channels:
  - {name: ops, driver: hook, config: {endpoint: "https://ops.example/in"}}
pipelines:
  - name: full
    config: {version: "1.0", nodes: [{id: in, type: ingest}, {id: tell, type: notify, config: {channels: [ops]}}]}
  - name: night
    is_active: false
    config: {version: "1.0", nodes: [{id: in, type: ingest}, {id: tell, type: notify, config: {channels: [ops, "du\u202Ety"]}}]}
`

// TestChannelThatPipelinesName: a change says which pipelines it leaves behind.
func TestChannelThatPipelinesName(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	lines := func(what string, r result, code int, want ...string) {
		t.Helper()
		got := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
		if r.err == "" {
			got = nil
		}
		if diff := cmp.Diff(want, got); diff != "" || r.code != code {
			t.Errorf("%s: exit %d\n%s", what, r.code, diff)
		}
	}
	lines("applied", s.run(t, "", "apply", "-f", fileOf(t, named)), cli.ExitOK,
		`incidenthub: Note: pipeline "night", which is not active, names "du\u202ety", which does not exist.`)
	lines("refused", s.run(t, "", "channel", "delete", "ops"), cli.ExitFailed,
		`incidenthub: delete channel "ops": active pipelines name it; change them first, or switch the channel off instead: full`)
	lines("switched off", s.run(t, "", "channel", "update", "ops", "--no-active"), cli.ExitOK,
		`incidenthub: Note: pipeline "full" names "ops", which is told nothing: its messages go nowhere.`,
		`incidenthub: Note: pipeline "night", which is not active, names "ops", which is told nothing.`)
	lines("renamed", s.run(t, "", "channel", "update", "ops", "--name", "desk", "--active"), cli.ExitOK,
		`incidenthub: Note: pipeline "full" names "ops": change it, or its messages go nowhere.`,
		`incidenthub: Note: pipeline "night", which is not active, names "ops": change it before it is activated.`)
	var changed struct {
		Name     string   `json:"name"`
		Warnings []string `json:"warnings"`
	}
	decode(t, s.ok(t, "", "channel", "update", "desk", "--name", "ops", "--json"), &changed)
	if changed.Name != "ops" || len(changed.Warnings) != 0 {
		t.Errorf("named back: %+v", changed)
	}
	lines("shown", s.run(t, "", "channel", "show", "ops"), cli.ExitOK)

	off := strings.Replace(named, "  - name: full\n", "  - name: full\n    is_active: false\n", 1)
	if r := s.run(t, "", "apply", "-f", fileOf(t, strings.Replace(named, "{name: ops,", "{name: mail,", 1)), "--prune"); r.code != cli.ExitFailed ||
		!strings.Contains(r.err, `prune channel "ops": active pipelines name it`) {
		t.Errorf("pruned: exit %d\n%s", r.code, r.err)
	}
	s.ok(t, "", "apply", "-f", fileOf(t, off))
	var deleted struct {
		Deleted  string   `json:"deleted"`
		Warnings []string `json:"warnings"`
	}
	decode(t, s.ok(t, "", "channel", "delete", "ops", "--json"), &deleted)
	if want := []string{
		`pipeline "full", which is not active, names "ops": change it before it is activated`,
		`pipeline "night", which is not active, names "ops": change it before it is activated`,
	}; deleted.Deleted != "ops" || !cmp.Equal(want, deleted.Warnings) {
		t.Errorf("deleted: %+v", deleted)
	}
	var plan struct {
		Warnings []string `json:"warnings"`
	}
	decode(t, s.ok(t, "", "apply", "-f", fileOf(t, named[strings.Index(named, "pipelines:"):]), "--dry-run", "--json"), &plan)
	if want := `pipeline "full" names "ops", which does not exist: its messages go nowhere`; len(plan.Warnings) != 3 || plan.Warnings[0] != want {
		t.Errorf("without the channel: %q", plan.Warnings)
	}
}

// TestDefinitionWarnings: what the hub says of a pipeline's channels is passed on.
func TestDefinitionWarnings(t *testing.T) {
	t.Parallel()
	const answer = `{"name":"full","version":2,"is_active":true,"config":{"nodes":[]},"warnings":["pipeline \"full\" names \"ops\", which does not exist: its messages go nowhere"]}`
	a := newAPI(t, map[string]string{"GET /api/v1/definitions/full": answer, "POST /api/v1/definitions/full/clone": answer})
	s := newShell(t)
	const says = `ipeline "full" names "ops", which does not exist: its messages go nowhere.`
	if r := s.run(t, "", "definition", "show", "full", "--server", a.URL, "--token", "the-key"); r.code != 0 || !strings.Contains(r.out, "P"+says+"\n") {
		t.Errorf("shown: %s%s", r.out, r.err)
	}
	if r := s.run(t, "", "definition", "clone", "full", "copy", "--server", a.URL, "--token", "the-key"); r.code != 0 || r.err != "incidenthub: Note: p"+says+"\n" {
		t.Errorf("changed: %s%s", r.out, r.err)
	}
}
