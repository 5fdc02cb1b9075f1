//go:build unix

package testkit

import (
	"io"
	"log/slog"
	"sync"
	"testing"
)

// Logger writes every level to the test's output, where go test shows it with -v or when the test fails. Lines written
// after the test has ended are dropped; the testing package would panic over them.
func Logger(t testing.TB) *slog.Logger {
	t.Helper()
	w := &testWriter{to: t.Output()}
	t.Cleanup(w.close)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type testWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

func (w *testWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = io.Discard
}
