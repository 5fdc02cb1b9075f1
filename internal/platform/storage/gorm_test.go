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

// TestNoNamesThatAreTakenInTheLog: whoever asked is told; it is no fault of the hub's.
func TestNoNamesThatAreTakenInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	db, err := Open(t.Context(), Config{URL: t.TempDir() + "/x.db", Unsafe: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.From(t.Context()).Exec("CREATE TABLE taken (name TEXT UNIQUE)").Error; err != nil {
		t.Fatal(err)
	}
	insert := func() error { return db.From(t.Context()).Exec("INSERT INTO taken (name) VALUES ('a')").Error }
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	if err := insert(); !Duplicate(err) || log.Len() > 0 {
		t.Errorf("%v; the log says %s", err, log.String())
	}
}
