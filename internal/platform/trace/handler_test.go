package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

type (
	word   string
	masked string
	lazy   struct{ text string }
	bomb   struct{}
)

func (masked) String() string       { return "***" }
func (l lazy) LogValue() slog.Value { return slog.GroupValue(slog.String("text", l.text)) }
func (bomb) Error() string          { panic("boom") }
func dropTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
		return slog.Attr{}
	}
	return a
}

func TestHandler(t *testing.T) {
	t.Parallel()
	const forged = "x\nlevel=ERROR msg=\x1b[31mforged"
	const inert = `x\nlevel=ERROR msg=\u001b[31mforged`
	traced := func(ctx context.Context) context.Context { return trace.With(ctx, "t-1") }
	plain := func(ctx context.Context) context.Context { return ctx }
	for name, tt := range map[string]struct {
		ctx  func(context.Context) context.Context
		log  func(ctx context.Context, log *slog.Logger)
		want map[string]any
	}{
		"id added": {traced, func(ctx context.Context, log *slog.Logger) {
			log.InfoContext(ctx, "m", "n", 1)
		}, map[string]any{"msg": "m", "n": 1.0, "trace_id": "t-1"}},
		"no id": {plain, func(ctx context.Context, log *slog.Logger) {
			log.InfoContext(ctx, "m", "n", 1)
		}, map[string]any{"msg": "m", "n": 1.0}},
		"id stays on top inside groups": {traced, func(ctx context.Context, log *slog.Logger) {
			log.With("a", 1).WithGroup("g").With("b", forged).WithGroup("h").InfoContext(ctx, "m", "c", 3)
		}, map[string]any{"msg": "m", "a": 1.0, "trace_id": "t-1", "g": map[string]any{"b": inert, "h": map[string]any{"c": 3.0}}}},
		"message": {plain, func(ctx context.Context, log *slog.Logger) {
			log.InfoContext(ctx, forged)
		}, map[string]any{"msg": inert}},
		"string, string type, bytes, error": {plain, func(ctx context.Context, log *slog.Logger) {
			log.InfoContext(ctx, "m", "a", forged, "b", word(forged), "c", []byte(forged), "d", errors.New(forged))
		}, map[string]any{"msg": "m", "a": inert, "b": inert, "c": inert, "d": inert}},
		"group and LogValuer": {plain, func(ctx context.Context, log *slog.Logger) {
			log.InfoContext(ctx, "m", slog.Group("g", "a", forged), "l", lazy{forged})
		}, map[string]any{"msg": "m", "g": map[string]any{"a": inert}, "l": map[string]any{"text": inert}}},
		"logger's own attributes": {plain, func(ctx context.Context, log *slog.Logger) {
			log.With("a", forged).InfoContext(ctx, "m")
		}, map[string]any{"msg": "m", "a": inert}},
		"a panic while logging": {plain, func(ctx context.Context, log *slog.Logger) {
			log.InfoContext(ctx, "m", "a", bomb{}, "nil", nil, "nil_error", error(nil))
		}, map[string]any{"msg": "m", "a": "(panic in trace_test.bomb while logging)", "nil": nil, "nil_error": nil}},
		"two loggers from one do not mix": {plain, func(ctx context.Context, log *slog.Logger) {
			g := log.WithGroup("g").With("a", 1)
			_ = g.With("b", 2)
			g.With("c", 3).InfoContext(trace.With(ctx, "t-2"), "m")
		}, map[string]any{"msg": "m", "trace_id": "t-2", "g": map[string]any{"a": 1.0, "c": 3.0}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			h := trace.Handler(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: dropTime}))
			tt.log(tt.ctx(t.Context()), slog.New(h))
			var got map[string]any
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatalf("%v in %s", err, out.Bytes())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestHandlerLeavesMaskedTypesAlone(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(trace.Handler(slog.NewTextHandler(&out, nil)))
	log.InfoContext(t.Context(), "m", "key", masked("canary"))
	if s := out.String(); strings.Contains(s, "canary") || !strings.Contains(s, "key=***") {
		t.Errorf("got %s", s)
	}
}

func TestHandlerHonoursLevel(t *testing.T) {
	t.Parallel()
	h := trace.Handler(slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("the level of the wrapped handler is not obeyed")
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"plain":        {"disk / is 91 % full", "disk / is 91 % full"},
		"other script": {"Straße, 東京, 👩‍🚒", "Straße, 東京, 👩‍🚒"},
		"line break":   {"a\r\n\tb", `a\r\n\tb`},
		"NUL and ANSI": {"\x00\x1b[2J\x7f", `\u0000\u001b[2J\u007f`},
		"C1 control":   {"\u009b31m", `\u009b31m`},
		"bidi":         {"a\u202eb\u2066c\u200f", `a\u202eb\u2066c\u200f`},
		"separators":   {"a\u2028b\ufeff", `a\u2028b\ufeff`},
		"broken UTF-8": {"a\xffb", "a\uFFFDb"},
		"too long":     {strings.Repeat("é", maxText), strings.Repeat("é", maxText/2) + "…(+8192 bytes)"},
		"cut in rune":  {"x" + strings.Repeat("é", maxText), "x" + strings.Repeat("é", maxText/2-1) + "…(+8194 bytes)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := trace.Escape(tt.in); got != tt.want {
				t.Errorf("Escape = %q, want %q", got, tt.want)
			}
		})
	}
}

const maxText = 8192

func FuzzEscape(f *testing.F) {
	f.Add("a\nb\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := trace.Escape(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x1b\x00\u202e") {
			t.Errorf("Escape(%q) = %q", s, got)
		}
		if trace.Escape(got) != got && len(got) <= maxText {
			t.Errorf("Escape is not stable on %q", s)
		}
	})
}

func BenchmarkHandler(b *testing.B) {
	log := slog.New(trace.Handler(slog.DiscardHandler))
	if !log.Enabled(b.Context(), slog.LevelInfo) {
		log = slog.New(trace.Handler(slog.NewTextHandler(discard{}, nil)))
	}
	ctx := trace.With(b.Context(), trace.New())
	b.ReportAllocs()
	for b.Loop() {
		log.InfoContext(ctx, "observation recorded", "alert_id", "0af76519", "count", 3)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
