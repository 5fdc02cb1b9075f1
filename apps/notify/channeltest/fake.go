package channeltest

import (
	"io"
	"net/http"
	"sync"
	"unicode/utf16"
)

// lossy makes a fake that may lose its answers. Its lock is the fake's.
type lossy struct {
	mu   sync.Mutex
	then []Step
}

// Then makes step happen after the next message was taken, instead of the answer: what is lost is not the message.
func (l *lossy) Then(step Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.then = append(l.then, step)
}

// instead takes the step that happens instead of an answer, nil for none. The lock is held.
func (l *lossy) instead() Step {
	if len(l.then) == 0 {
		return nil
	}
	step := l.then[0]
	l.then = l.then[1:]
	return step
}

// copies are what the pointers point at now.
func copies[T any](of []*T) []T {
	out := make([]T, len(of))
	for i, p := range of {
		out[i] = *p
	}
	return out
}

// readAll reads a body that has arrived.
func readAll(r *http.Request) []byte {
	body, _ := io.ReadAll(r.Body) // it is in memory
	return body
}

// str is a text in decoded JSON, "" when there is none.
func str(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// list is a list in decoded JSON.
func list(m map[string]any, key string) []any {
	l, _ := m[key].([]any)
	return l
}

// asMap is an object in decoded JSON, nil when it is none.
func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// chars is the length of a text as JavaScript counts it.
func chars(s string) int { return len(utf16.Encode([]rune(s))) }
