package storage_test

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// TestMigrateSoonAfterAnother holds the lock as a killed process' session does for a moment: the next start must not sleep long.
func TestMigrateSoonAfterAnother(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	other, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", int64(0x696e636964656e74)); err != nil {
		t.Fatal(err)
	}
	db, err := storage.Open(context.Background(), storage.Config{URL: url, Log: slog.New(slog.DiscardHandler), Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := db.Migrate(short); err == nil {
		t.Fatal("migrated while another held the lock")
	}
	done := make(chan error, 1)
	go func() { done <- db.Migrate(context.Background()) }()
	time.Sleep(300 * time.Millisecond) // it waits now
	began := time.Now()
	if _, err := conn.ExecContext(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	var took time.Duration // until it has the lock; how long it migrates then is not the question
	testkit.Eventually(t, time.Minute, func() bool {
		var held bool
		if err := conn.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&held); err != nil {
			t.Fatal(err)
		}
		took = time.Since(began)
		return held || len(done) > 0
	}, "it does not lock the schema")
	if took > 4*time.Second {
		t.Errorf("locked the schema %s after the lock was free", took)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
