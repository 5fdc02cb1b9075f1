package trace_test

import (
	"context"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

func TestContext(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if got := trace.From(ctx); got != "" {
		t.Errorf("bare context carries %q", got)
	}
	if trace.With(ctx, "") != ctx {
		t.Error("With an empty id made a new context")
	}
	ctx1, first := trace.Ensure(ctx)
	ctx2, again := trace.Ensure(ctx1)
	if first == "" || first != again || ctx2 != ctx1 || trace.From(ctx1) != first {
		t.Errorf("Ensure: first %q, again %q, carried %q", first, again, trace.From(ctx1))
	}
	if got := trace.From(trace.With(ctx1, "other")); got != "other" {
		t.Errorf("With did not replace the id: %q", got)
	}
	//nolint:staticcheck,revive // a context from elsewhere may hold anything under its own keys
	if got := trace.From(context.WithValue(t.Context(), "trace_id", "x")); got != "" {
		t.Errorf("a stranger's key was read: %q", got)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	a, b := trace.New(), trace.New()
	if a == b || len(a) != 36 || a[14] != '7' {
		t.Errorf("New() = %q then %q; want two different UUIDv7", a, b)
	}
	if got, ok := trace.Parse(a); !ok || got != a {
		t.Errorf("Parse(New()) = %q, %t", got, ok)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const want = "0af76519-16cd-43dd-8448-eb211c80319c"
	for name, tt := range map[string]struct{ in, want string }{
		"UUID":           {want, want},
		"upper case":     {strings.ToUpper(want), want},
		"W3C trace-id":   {"0af7651916cd43dd8448eb211c80319c", want},
		"zero trace-id":  {strings.Repeat("0", 32), ""},
		"empty":          {"", ""},
		"not hex":        {strings.Repeat("z", 32), ""},
		"injected":       {"0af76519-16cd-43dd-8448-eb211c8031\n9", ""},
		"too long":       {want + "0", ""},
		"braces":         {"{" + want + "}", ""},
		"multi-byte, 32": {strings.Repeat("é", 16), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := trace.Parse(tt.in)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Parse(%q) = %q, %t; want %q", tt.in, got, ok, tt.want)
			}
		})
	}
}
