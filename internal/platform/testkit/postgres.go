//go:build unix

package testkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/incidenthub/incidenthub/internal/platform/testkit/servers"
)

// shared are the servers of this process.
var shared process

type process struct {
	postgres lazy[*servers.Postgres] // fsync off
	durable  lazy[*servers.Postgres]
	redis    lazy[*servers.Redis]
}

func (p *process) close() {
	p.postgres.close()
	p.durable.close()
	p.redis.close()
}

// Postgres returns the URL of a new, empty database on a server with fsync off. The end of the test drops it.
func Postgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, unitServer(t), "template0")
}

// DurablePostgres is Postgres on a server of this process that keeps fsync and synchronous commits on, for tests that
// measure or kill.
func DurablePostgres(t testing.TB) string {
	t.Helper()
	skipShort(t, "Postgres")
	p, err := shared.durable.get(func() (*servers.Postgres, error) {
		return servers.StartPostgres(servers.PostgresOptions{Durable: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	return newDatabase(t, p.URL(), "template0")
}

// OwnPostgres starts a server for this test alone, fsync on, for tests that stop, kill or pause it; about a second.
// Settings are further "name=value" lines of its configuration. Its database postgres is empty.
func OwnPostgres(t testing.TB, settings ...string) *servers.Postgres {
	t.Helper()
	skipShort(t, "Postgres")
	p, err := servers.StartPostgres(servers.PostgresOptions{Durable: true, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func unitServer(t testing.TB) string {
	t.Helper()
	skipShort(t, "Postgres")
	if given := os.Getenv(postgresVariable); given != "" {
		return given
	}
	p, err := shared.postgres.get(func() (*servers.Postgres, error) {
		return servers.StartPostgres(servers.PostgresOptions{})
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.URL()
}

// newDatabase clones template on the server that maintenance names, and drops the clone after the test.
func newDatabase(t testing.TB, maintenance, template string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	name := "test_" + strings.ToLower(rand.Text())
	if err := withConn(ctx, maintenance, func(conn *pgconn.PgConn) error {
		return exec1(ctx, conn, "CREATE DATABASE "+name+" TEMPLATE "+template+strategy(conn))
	}); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), waitLimit)
		defer cancel()
		if err := withConn(ctx, maintenance, func(conn *pgconn.PgConn) error {
			return exec1(ctx, conn, "DROP DATABASE "+name+" WITH (FORCE)")
		}); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return withDatabase(t, maintenance, name)
}

// strategy picks the faster way to clone: the default writes every page to the log. It came with Postgres 15.
func strategy(conn *pgconn.PgConn) string {
	major, _, _ := strings.Cut(conn.ParameterStatus("server_version"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 15 {
		return ""
	}
	return " STRATEGY file_copy"
}

// withDatabase is the URL with another database in it.
func withDatabase(t testing.TB, server, name string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil || u.Scheme == "" {
		t.Fatalf("%q is no URL like postgres://user@host/database", server)
	}
	u.Path = "/" + name
	return u.String()
}

// withConn runs do on a connection of its own; testkit keeps none, so that goroutine counts stay as they are.
func withConn(ctx context.Context, url string, do func(*pgconn.PgConn) error) error {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return do(conn)
}

// exec1 runs one statement that takes no arguments and returns nothing of interest.
func exec1(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}
