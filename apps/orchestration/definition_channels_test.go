package orchestration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// naming is a definition whose notify steps have these configs.
func naming(name string, active bool, configs ...string) orchestration.Definition {
	text := []byte(`{"version":"1.0","nodes":[{"id":"in","type":"ingest","config":{"channels":7}}`)
	for i, c := range configs {
		text = fmt.Appendf(text, `,{"id":"n%d","type":"notify","config":%s}`, i, c)
	}
	return orchestration.Definition{Name: name, IsActive: active, Config: storage.Doc(json.RawMessage(append(text, "]}"...)))}
}

func definitionsNaming() []orchestration.Definition {
	return []orchestration.Definition{
		naming("night", false, `{"channels":["ops"]}`),
		naming("full", true, `{"channels":["ops","ops"]}`, `{"channels":["duty","ops"]}`),
		naming("both", true, `{"channels":["ops","duty"]}`),
		naming("kinds", true, `{"channels":["ops"],"driver":"slack"}`),
		naming("all", true, `{"channels":["*","ops"]}`),
		naming("driver", true, `{"drivers":["slack"]}`),
		naming("odd", true, `{"channels":"ops"}`),
		{Name: "broken", IsActive: true, Config: storage.Doc(json.RawMessage(`[]`))},
	}
}

func TestChannelUses(t *testing.T) {
	t.Parallel()
	want := []orchestration.ChannelUse{
		{Channel: "duty", Pipeline: "both", IsActive: true},
		{Channel: "ops", Pipeline: "both", IsActive: true},
		{Channel: "duty", Pipeline: "full", IsActive: true},
		{Channel: "ops", Pipeline: "full", IsActive: true, Alone: true},
		{Channel: "ops", Pipeline: "kinds", IsActive: true},
		{Channel: "ops", Pipeline: "night", Alone: true},
	}
	if diff := cmp.Diff(want, orchestration.ChannelUses(definitionsNaming())); diff != "" {
		t.Error(diff)
	}
}

func TestChannelChange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change orchestration.ChannelChange
		want   []string
	}{
		"nothing that matters": {orchestration.ChannelChange{Was: "ops", Now: "ops", Told: true}, nil},
		"made":                 {orchestration.ChannelChange{Now: "ops", Told: true}, nil},
		"nobody names it":      {orchestration.ChannelChange{Was: "mail", Now: "post"}, nil},
		"renamed": {orchestration.ChannelChange{Was: "ops", Now: "desk", Told: true}, []string{
			`pipeline "both" names "ops" and others: change it, or only the others are told`,
			`pipeline "full" names "ops": change it, or its messages go nowhere`,
			`pipeline "kinds" names "ops" and others: change it, or only the others are told`,
			`pipeline "night", which is not active, names "ops": change it before it is activated`,
		}},
		"switched off": {orchestration.ChannelChange{Was: "ops", Now: "ops"}, []string{
			`pipeline "both" names "ops", which is told nothing, and others: only the others are told`,
			`pipeline "full" names "ops", which is told nothing: its messages go nowhere`,
			`pipeline "kinds" names "ops", which is told nothing, and others: only the others are told`,
			`pipeline "night", which is not active, names "ops", which is told nothing`,
		}},
		"renamed to what is named, and off": {orchestration.ChannelChange{Was: "x", Now: "duty"}, []string{
			`pipeline "both" names "duty", which is told nothing, and others: only the others are told`,
			`pipeline "full" names "duty", which is told nothing, and others: only the others are told`,
		}},
		"deleted": {orchestration.ChannelChange{Was: "duty"}, []string{
			`pipeline "both" names "duty" and others: change it, or only the others are told`,
			`pipeline "full" names "duty" and others: change it, or only the others are told`,
		}},
	} {
		got := tt.change.Warnings(definitionsNaming())
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if len(got) > 0 && !tt.change.Matters() {
			t.Errorf("%s: it is said not to matter", name)
		}
	}
	many := []orchestration.Definition{}
	for i := range 25 {
		many = append(many, naming(fmt.Sprintf("p%02d", i), true, `{"channels":["ops"]}`))
	}
	got := orchestration.ChannelChange{Was: "ops", Now: "desk", Told: true}.Warnings(many)
	if len(got) != 21 || got[20] != "5 more pipelines name it" {
		t.Errorf("of 25: %q", got)
	}
}

func TestChannelFree(t *testing.T) {
	t.Parallel()
	for channel, want := range map[string]string{
		"ops":  "active pipelines name it; change them first, or switch the channel off instead: both, full, kinds",
		"duty": "active pipelines name it; change them first, or switch the channel off instead: both, full",
		"mail": "",
		"*":    "",
	} {
		err := orchestration.ChannelFree(definitionsNaming(), channel)
		if (err == nil) != (want == "") || err != nil && (err.Error() != want || !errors.Is(err, orchestration.ErrChannelNamed)) {
			t.Errorf("%s: %v", channel, err)
		}
	}
	if err := orchestration.ChannelFree([]orchestration.Definition{naming("night", false, `{"channels":["ops"]}`)}, "ops"); err != nil {
		t.Errorf("only an inactive one names it: %v", err)
	}
}

func TestVainUses(t *testing.T) {
	t.Parallel()
	var got []string
	for _, u := range orchestration.VainUses(definitionsNaming(), map[string]bool{"duty": false}) {
		got = append(got, fmt.Sprint(u.Exists, " ", u.Words))
	}
	want := []string{
		`true pipeline "both" names "duty", which is told nothing, and others: only the others are told`,
		`false pipeline "both" names "ops", which does not exist, and others: only the others are told`,
		`true pipeline "full" names "duty", which is told nothing, and others: only the others are told`,
		`false pipeline "full" names "ops", which does not exist: its messages go nowhere`,
		`false pipeline "kinds" names "ops", which does not exist, and others: only the others are told`,
		`false pipeline "night", which is not active, names "ops", which does not exist`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := orchestration.VainUses(definitionsNaming(), map[string]bool{"duty": true, "ops": true}); len(got) != 0 {
		t.Errorf("all are there: %v", got)
	}
}
