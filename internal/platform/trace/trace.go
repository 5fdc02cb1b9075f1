// Package trace carries the id that ties together everything one webhook call, check or command set off: log lines, rows,
// queue tasks and outgoing messages hold the same one, so that a notification leads back to its run.
//
// An id is UUIDv7 text, 36 characters in lower case. It is made once, at the door where work comes in, put into the
// context with With, and taken up again with With by whatever continues from a row. It is no secret and proves nothing.
//
// Handler puts the id on every log record made with that context and makes text from outside harmless on its way into
// the log (RELIABILITY 4, log forging).
package trace

import (
	"context"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Key is the attribute under which Handler logs the id.
const Key = "trace_id"

type ctxKey struct{}

// New returns a fresh trace id.
func New() string { return id.New().String() }

// With returns a context that carries traceID. An empty traceID leaves ctx as it is.
func With(ctx context.Context, traceID string) context.Context {
	if traceID == "" {
		return ctx
	}
	return context.WithValue(ctx, ctxKey{}, traceID)
}

// From returns the id that ctx carries, "" when there is none.
func From(ctx context.Context) string {
	traceID, _ := ctx.Value(ctxKey{}).(string)
	return traceID
}

// Ensure returns the id that ctx carries, or a fresh one and a context that carries it.
func Ensure(ctx context.Context) (context.Context, string) {
	if traceID := From(ctx); traceID != "" {
		return ctx, traceID
	}
	traceID := New()
	return With(ctx, traceID), traceID
}

// Parse reads a trace id that somebody else wrote: a UUID in any case, or the 32 hex digits of a W3C trace-id. It returns
// the form used here, or false when the text is neither or all zero.
func Parse(s string) (string, bool) {
	s = strings.ToLower(s)
	if len(s) == 32 {
		s = s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	}
	parsed, err := id.Parse(s)
	if err != nil || parsed.IsZero() {
		return "", false
	}
	return parsed.String(), true
}
