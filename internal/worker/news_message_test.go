package worker

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
)

func TestReadNews(t *testing.T) {
	t.Parallel()
	from, one := id.New().String(), id.New()
	var many []string
	for range newsMost + 1 {
		many = append(many, `"`+id.New().String()+`"`)
	}
	for name, tt := range map[string]struct {
		in   string
		want []pubsub.Event // nil: malformed
	}{
		"two kinds": {
			`{"v":1,"from":"` + from + `","tenant":"default","changed":{"run":["` + one.String() + `"],"incident":[""]}}`,
			[]pubsub.Event{{Kind: "run", ID: one}, {Kind: "incident"}},
		},
		"reload":            {`{"v":1,"from":"` + from + `","tenant":"default","reload":true,"changed":{"run":["` + one.String() + `"]}}`, []pubsub.Event{{Kind: pubsub.Reload}}},
		"more of a release": {`{"v":1,"from":"` + from + `","tenant":"default","changed":{"run":[""]},"later":{"x":1}}`, []pubsub.Event{{Kind: "run"}}},
		"no sender":         {`{"v":1,"tenant":"default","changed":{"run":[""]}}`, nil},
		"no tenant":         {`{"v":1,"from":"` + from + `","changed":{"run":[""]}}`, nil},
		"other version":     {`{"v":2,"from":"` + from + `","tenant":"default","changed":{"run":[""]}}`, nil},
		"kind with a break": {`{"v":1,"from":"` + from + `","tenant":"default","changed":{"run\nevent":[""]}}`, nil},
		"kind reload":       {`{"v":1,"from":"` + from + `","tenant":"default","changed":{"reload":[""]}}`, nil},
		"no id":             {`{"v":1,"from":"` + from + `","tenant":"default","changed":{"run":["x"]}}`, nil},
		"too many":          {`{"v":1,"from":"` + from + `","tenant":"default","changed":{"run":[` + strings.Join(many, ",") + `]}}`, nil},
		"too long":          {`{"v":1,"from":"` + from + `","tenant":"default","x":"` + strings.Repeat("x", newsBytes) + `"}`, nil},
		"a number":          {`1`, nil},
		"nothing":           {``, nil},
		"null":              {`null`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, err := readNews(tt.in)
			if (err != nil) != (tt.want == nil) || err != nil && !errors.Is(err, errNews) {
				t.Fatalf("%v, %v", got, err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.SortSlices(func(a, b pubsub.Event) bool { return a.Kind < b.Kind }), cmpopts.EquateEmpty()); err == nil && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFullNoteIsReload: what is too much for one message is told in a few bytes.
func TestFullNoteIsReload(t *testing.T) {
	t.Parallel()
	n := &news{from: id.New()}
	of := &note{events: map[pubsub.Event]struct{}{}}
	same := id.New()
	for range 10 * newsMost {
		of.add(pubsub.Event{Kind: "run", ID: same})
	}
	if of.reload || len(of.events) != 1 {
		t.Fatalf("one thing that changes often: %d events, reload %t", len(of.events), of.reload)
	}
	for range newsMost - 1 {
		of.add(pubsub.Event{Kind: "observation", ID: id.New()})
	}
	longest, err := n.write("default", of)
	if err != nil || len(longest) > newsBytes/10 {
		t.Errorf("the longest message has %d bytes, %v", len(longest), err)
	}
	if _, events, err := readNews(string(longest)); err != nil || len(events) != newsMost {
		t.Errorf("%d events come back, %v", len(events), err)
	}
	of.add(pubsub.Event{Kind: "run", ID: id.New()})
	text, err := n.write("default", of)
	if err != nil || len(text) > 200 {
		t.Errorf("%s, %v", text, err)
	}
	if _, events, err := readNews(string(text)); err != nil || len(events) != 1 || events[0].Kind != pubsub.Reload {
		t.Errorf("%v, %v", events, err)
	}
}

func FuzzReadNews(f *testing.F) {
	seed, err := json.Marshal(message{Version: newsVersion, From: id.New(), Tenant: "default", Changed: map[string][]id.ID{"run": {id.New()}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(seed))
	f.Add(`{"v":1,"changed":{"":[null]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, events, err := readNews(text)
		if err == nil && len(events) > newsMost {
			t.Errorf("%d events", len(events))
		}
		for _, e := range events {
			if e.Kind != pubsub.Reload && !isKind(e.Kind) {
				t.Errorf("kind %q", e.Kind)
			}
		}
	})
}
