package trace

import (
	"context"
	"log/slog"
	"slices"
)

// Handler wraps next: records made with a context that carries a trace id get it as top-level attribute trace_id (also
// inside WithGroup), and message and string values go through Escape. Group and attribute names are ours and stay as they
// are. Values that are neither text nor error (structs, maps) are left to next, which quotes them.
func Handler(next slog.Handler) slog.Handler { return &handler{root: next, next: next} }

type handler struct {
	root slog.Handler                      // before the first WithGroup: where trace_id goes
	next slog.Handler                      // root with all of later applied
	then []func(slog.Handler) slog.Handler // what was asked for from the first WithGroup on
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	r = escapeRecord(r)
	traceID := From(ctx)
	if traceID == "" {
		return h.next.Handle(ctx, r)
	}
	attr := slog.String(Key, Escape(traceID))
	if len(h.then) == 0 {
		r.AddAttrs(attr)
		return h.next.Handle(ctx, r)
	}
	next := h.root.WithAttrs([]slog.Attr{attr})
	for _, apply := range h.then {
		next = apply(next)
	}
	return next.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i], _ = escapeAttr(a)
	}
	return h.with(func(next slog.Handler) slog.Handler { return next.WithAttrs(clean) }, len(h.then) > 0)
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(next slog.Handler) slog.Handler { return next.WithGroup(name) }, true)
}

func (h *handler) with(apply func(slog.Handler) slog.Handler, grouped bool) slog.Handler {
	next := apply(h.next)
	if !grouped {
		return &handler{root: next, next: next}
	}
	then := append(slices.Clip(h.then), apply)
	return &handler{root: h.root, next: next, then: then}
}

// escapeRecord returns r itself when nothing in it needs changing, which is the usual case.
func escapeRecord(r slog.Record) slog.Record {
	message := Escape(r.Message)
	changed := message != r.Message
	attrs := make([]slog.Attr, 0, 16)
	r.Attrs(func(a slog.Attr) bool {
		clean, dirty := escapeAttr(a)
		attrs = append(attrs, clean)
		changed = changed || dirty
		return true
	})
	if !changed {
		return r
	}
	out := slog.NewRecord(r.Time, r.Level, message, r.PC)
	out.AddAttrs(attrs...)
	return out
}
