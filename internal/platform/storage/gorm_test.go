package storage

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestNoValuesInTheLog: what a statement carries may be secret.
func TestNoValuesInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	db, err := Open(t.Context(), Config{URL: t.TempDir() + "/x.db", Unsafe: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.From(t.Context()).Exec("INSERT INTO nowhere (a) VALUES (?)", "canary-1234").Error; err == nil {
		t.Fatal("there is no such table")
	}
	if s := log.String(); !strings.Contains(s, "nowhere") || strings.Contains(s, "canary") {
		t.Errorf("the log says %s", s)
	}
}
