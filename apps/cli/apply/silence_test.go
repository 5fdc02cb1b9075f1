package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

const silenceFile = `
silences:
  - name: patch night
    kind: maintenance
    matchers: ['cluster=prod', 'severity!="critical"']
    comment: every week
    recurrence: {rrule: FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0, duration: 4h, timezone: Europe/Berlin}
  - name: long gone
    matchers: ['service="db"']
    starts_at: "2020-12-05T20:00:00Z"
    duration: 6h
`

func lines(p apply.Plan) (out []string) {
	for _, s := range p.Steps {
		out = append(out, strings.TrimSpace(string(s.Action)+" "+s.Name+" "+strings.Join(s.Changes, ",")))
	}
	return out
}

func TestSilencesOfFiles(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		h := newHub(t, db)
		byHand, err := h.Silences.Create(t.Context(), tenant, silences.Input{Matchers: []string{"a=b"}, UntilResolved: true}, "ada")
		if err != nil {
			t.Fatal(err)
		}
		want := func(file string, o apply.Options, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, lines(h.apply(t, file, o))); diff != "" {
				t.Error(diff)
			}
		}
		want(silenceFile, apply.Options{DryRun: true}, "create patch night", "unchanged long gone")
		want(silenceFile, apply.Options{}, "create patch night", "unchanged long gone")
		want(silenceFile, apply.Options{}, "unchanged patch night", "unchanged long gone")
		want(strings.Replace(silenceFile, "every week", "each week", 1), apply.Options{}, "update patch night comment", "unchanged long gone")
		file, _, err := h.Export(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(file), "silences:")
		list, _, _ = strings.Cut(list, "pipelines:")
		want("silences:"+list, apply.Options{Prune: true}, "unchanged patch night")
		want("silences: []\n", apply.Options{Prune: true}, "delete patch night")
		live, err := h.Silences.List(t.Context(), tenant, silences.Filter{Statuses: []silences.Status{silences.Active, silences.Pending}}, storage.Paging{})
		if err != nil || len(live.Items) != 1 || live.Items[0].ID != byHand.ID {
			t.Errorf("what people made is left: %+v, %v", live, err)
		}
	})
}

func TestBadSilencesOfFiles(t *testing.T) {
	t.Parallel()
	_, err := apply.Read([]byte("silences:\n  - name: x\n    matchers: a\n    duration: 2h\n    ends_at: noon\n    until_resolved: true\n"), env())
	for _, want := range []string{"matchers: must be a list", "duration: needs starts_at", "ends_at: must be a time", "until_resolved: unknown field"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
