package web

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/ledger"
)

func TestOfManyChannelsTheFailedAreShown(t *testing.T) {
	t.Parallel()
	list := func(states ...string) []ledger.LineChannel {
		out := make([]ledger.LineChannel, len(states))
		for i, s := range states {
			out[i] = ledger.LineChannel{Channel: string(rune('a' + i)), State: s}
		}
		return out
	}
	for name, tc := range map[string]struct {
		in   []ledger.LineChannel
		want string
		more int64
	}{
		"all fit, in their order": {list("delivered", "dead", "suppressed"), "abc", 0},
		"one too many":            {list("delivered", "suppressed", "delivered", "pending"), "dac", 1},
		"the worst come first":    {list("suppressed", "delivered", "sending", "delivered", "dead", "pending"), "efc", 3},
		"none":                    {nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := fewChannels(tc.in, 3)
			var names strings.Builder
			for _, c := range got.Shown {
				names.WriteString(c.Channel)
			}
			if diff := cmp.Diff([]any{tc.want, tc.more}, []any{names.String(), got.More}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVerdictAboutManyChannelsHasLines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"one":                         {"Channel ops was told of the firing", []string{"Channel ops was told of the firing."}},
		"some":                        {"Nobody was told: channel a was given up; channels b and c were held back", []string{"Nobody was told: channel a was given up.", "Channels b and c were held back."}},
		"a semicolon of the receiver": {"Channel a was given up: no; go away", []string{"Channel a was given up: no; go away."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, clauses(tc.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
