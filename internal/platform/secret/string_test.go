package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

const canary = "canary-4711"

type holder struct {
	Public secret.String
	hidden secret.String
	list   []secret.String
}

func TestStringShowsNothing(t *testing.T) {
	t.Parallel()
	s := secret.NewString(canary)
	h := holder{Public: s, hidden: s, list: []secret.String{s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%20s", "%p"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
		fmt.Fprintf(&out, verb+"\n", map[string]any{"a": s, "b": []any{h}})
	}
	fmt.Fprintln(&out, s, h, fmt.Errorf("wrap %v", s))
	for _, v := range []any{s, &s, h, map[string]any{"a": s}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).InfoContext(t.Context(), "m", "s", s, "h", h, "p", &s)
	slog.New(slog.NewTextHandler(&out, nil)).InfoContext(t.Context(), "m", "s", s, "h", h, "p", &s)
	if err := template.Must(template.New("").Parse("{{.}} {{.Public}}")).Execute(&out, h); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("%d", []byte(canary))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret came out as %q in:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("no mask in the output: the test prints nothing")
	}
}

func TestStringText(t *testing.T) {
	t.Parallel()
	var in struct{ A, B secret.String }
	if err := json.Unmarshal([]byte(`{"A":"`+canary+`"}`), &in); err != nil {
		t.Fatal(err)
	}
	if in.A.Reveal() != canary || in.A.IsZero() {
		t.Errorf("Reveal() = %q after decoding, want the secret", in.A.Reveal())
	}
	if in.B.Reveal() != "" || !in.B.IsZero() || in.B.String() != "" || !secret.NewString("").IsZero() {
		t.Error("unset is not unset")
	}
	if _, err := in.A.Value(); !errors.Is(err, secret.ErrPlain) {
		t.Errorf("Value() = %v, want ErrPlain", err)
	}
	if diff := cmp.Diff(in.A, secret.NewString(canary)); diff != "" {
		t.Errorf("two Strings of one text differ: %s", diff)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		a, b string
		want bool
	}{
		"same":          {canary, canary, true},
		"both empty":    {"", "", true},
		"one empty":     {"", canary, false},
		"prefix":        {canary, canary[:5], false},
		"case":          {"abc", "ABC", false},
		"same length":   {"abc", "abd", false},
		"trailing zero": {"abc", "abc\x00", false},
	} {
		if got := secret.Equal(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: Equal = %t, want %t", name, got, tt.want)
		}
		if got := secret.NewString(tt.a).Equal(secret.NewString(tt.b)); got != tt.want {
			t.Errorf("%s: String.Equal = %t, want %t", name, got, tt.want)
		}
	}
}
