package llm_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/providers"
	"github.com/incidenthub/incidenthub/providers/llm"
)

func TestCount(t *testing.T) {
	t.Parallel()
	n := func(v int64) *int64 { return &v }
	for name, tt := range map[string]struct {
		in   string
		want *int64
	}{
		"a number": {`{"n": 900}`, n(900)}, "zero is known": {`{"n": 0}`, n(0)}, "as others print it": {`{"n": 9e2}`, n(900)},
		"missing": {`{}`, nil}, "null": {`{"n": null}`, nil}, "a text": {`{"n": "900"}`, nil}, "negative": {`{"n": -1}`, nil},
		"a half": {`{"n": 1.5}`, nil}, "nonsense": {`{"n": 1e300}`, nil}, "a list": {`{"n": [1]}`, nil}, "an object": {`{"n": {"a": 1}}`, nil},
		"the last one counts": {`{"n": 7, "n": "x"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got struct {
				N llm.Count `json:"n"`
			}
			if err := json.Unmarshal([]byte(tt.in), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.N.Value()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	count := func(text string) (c llm.Count) {
		if err := c.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	n := func(v int64) *int64 { return &v }
	missing := llm.Count{}
	for name, tt := range map[string]struct {
		got, want providers.Usage
	}{
		"the provider's own total": {llm.Tokens(count("1"), count("2"), count("9")), providers.Usage{Prompt: n(1), Completion: n(2), Total: n(9)}},
		"total of the two":         {llm.Tokens(count("1"), count("2"), missing), providers.Usage{Prompt: n(1), Completion: n(2), Total: n(3)}},
		"no total of one":          {llm.Tokens(count("1"), missing, missing), providers.Usage{Prompt: n(1)}},
		"a total without the two":  {llm.Tokens(missing, missing, count("9")), providers.Usage{Total: n(9)}},
		"parts": {
			llm.Tokens(count("700").Plus(count("100"), missing, count("50")), missing.Plus(count("3")), missing),
			providers.Usage{Prompt: n(850)},
		},
		"another instead": {llm.Tokens(missing.Or(count("5")), count("1").Or(count("2")), missing), providers.Usage{Prompt: n(5), Completion: n(1), Total: n(6)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
