package doc_test

import (
	"encoding/json"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/doc"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, m := range []map[string]string{
		{}, {"": ""}, {"b": "1", "a": "2", "c": "x y z"}, {"a": "\"q\" \\ \n\x00\x7f"}, {"ü": "<b>&\u2028\xff"}, {"a": "plain", "b": "é"},
	} {
		want, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Texts(m); string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := doc.Texts(nil); string(got) != "{}" {
		t.Errorf("nil: %s", got)
	}
}

func FuzzTexts(f *testing.F) {
	f.Add("a", "b", "c", "d")
	f.Add("\x00", "\"", "<", "\xff")
	f.Fuzz(func(t *testing.T, k, v, k2, v2 string) {
		m := map[string]string{k: v, k2: v2}
		want, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Texts(m); string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func BenchmarkTexts(b *testing.B) {
	m := map[string]string{
		"alertname": "HighCPU", "instance": "web-1:9100", "job": "node", "severity": "critical", "team": "platform", "region": "eu-west-1",
		"cluster": "prod-a", "namespace": "default",
	}
	b.Run("texts", func(b *testing.B) {
		for b.Loop() {
			doc.Texts(m)
		}
	})
	b.Run("encoding json", func(b *testing.B) {
		for b.Loop() {
			_, _ = json.Marshal(m)
		}
	})
}
