package api

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestAnswersHaveNoEscapesForPages(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":"x\u0026y \u003c\u003E"}`: `{"a":"x&y <>"}`,
		`{"a":"\\u0026 \"\u0026\""}`:    `{"a":"\\u0026 \"&\""}`,
		`{"a":"\\\u0026","b":"\u0022"}`: `{"a":"\\&","b":"\u0022"}`,
		`["\u00e9\u2028 &"]`:            `["\u00e9\u2028 &"]`,
		`{}`:                            `{}`,
	} {
		var b bytes.Buffer
		if err := plainFormat.Marshal(&b, json.RawMessage(in)); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != want+"\n" {
			t.Errorf("%s is written as %s, want %s", in, got, want)
		}
		var was, is any
		if json.Unmarshal([]byte(in), &was) != nil || json.Unmarshal(b.Bytes(), &is) != nil || !bytes.Equal(mustJSON(t, was), mustJSON(t, is)) {
			t.Errorf("%s means something else as %s", in, b.String())
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
