package server

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
)

// TestPreflightOfNamedChannels: pipelines that name channels in vain are found, by the hub that runs and where they are written.
func TestPreflightOfNamedChannels(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, url string) {
		c := startCoreWith(t, url, nil, coreOptions{})
		ctx := t.Context()
		found := func() (out []string) {
			t.Helper()
			r, err := preflights{c}.Run(ctx, tenant, []string{"pipeline"}, "ada")
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range r.List {
				if one.Name == "named_channel" {
					out = append(out, string(one.Level)+": "+one.Message)
					if (one.Level == preflight.OK) != (one.Hint == "") {
						t.Errorf("%+v", one)
					}
				}
			}
			return out
		}
		if got := found(); len(got) != 0 {
			t.Errorf("of pipelines that name none: %q", got)
		}
		define := func(name, channels string, active bool) orchestration.DefinitionInput {
			return orchestration.DefinitionInput{
				Name: name, IsActive: active, By: "ada",
				Config: json.RawMessage(`{"version":"1.0","nodes":[{"id":"start","type":"ingest"},{"id":"tell","type":"notify","config":{"channels":` + channels + `}}]}`),
			}
		}
		for _, in := range []orchestration.DefinitionInput{define("mine", `["ops"]`, true), define("both", `["inbox","ops"]`, true), define("night", `["ops"]`, false)} {
			problems, err := c.definitions.Validate(ctx, tenant, in.Config)
			if err != nil || len(problems) != 1 || problems[0].Message != `there is no channel "ops" yet` || problems[0].Severity != "warning" {
				t.Errorf("%s: %+v, %v", in.Name, problems, err)
			}
			if _, err := c.definitions.Create(ctx, tenant, in); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			`warn: Pipeline "both" names "ops", which does not exist, and others: only the others are told`,
			`error: Pipeline "mine" names "ops", which does not exist: its messages go nowhere`,
		}
		if diff := cmp.Diff(want, found()); diff != "" {
			t.Errorf("there is no such channel:\n%s", diff)
		}
		ops, err := c.channels.Create(ctx, tenant, notify.ChannelInput{Name: "ops", Driver: "generic", Config: json.RawMessage(`{"endpoint":"https://ops.example/in"}`), IsActive: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"ok: The channels that active pipelines name are there"}, found()); diff != "" {
			t.Errorf("there is:\n%s", diff)
		}
		if problems, err := c.definitions.Validate(ctx, tenant, define("mine", `["ops"]`, true).Config); err != nil || len(problems) != 0 {
			t.Errorf("%+v, %v", problems, err)
		}
		off := notify.InputOf(ops)
		off.Config = json.RawMessage(`{"endpoint":"https://ops.example/in","disabled":true}`)
		if _, err := c.channels.Update(ctx, tenant, "ops", 0, off); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i] = strings.Replace(strings.Replace(want[i], "error", "warn", 1), "does not exist", "is told nothing", 1)
		}
		if diff := cmp.Diff(want, found()); diff != "" {
			t.Errorf("it is off:\n%s", diff)
		}
	})
}
