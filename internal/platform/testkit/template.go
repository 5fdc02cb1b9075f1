//go:build unix

package testkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// PostgresFrom returns the URL of a database cloned from a template that prepare filled, once per server however many
// test processes ask at the same time; a clone takes about a tenth of a second. name must change whenever prepare
// would make something else: put HashFS of the migrations in it. prepare must close its connections.
func PostgresFrom(t testing.TB, name string, prepare func(url string) error) string {
	t.Helper()
	server := unitServer(t)
	sum := sha256.Sum256([]byte(name))
	template := "template_" + hex.EncodeToString(sum[:12])
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := withConn(ctx, server, func(conn *pgconn.PgConn) error {
		return ensureTemplate(ctx, conn, template, func() error {
			url := withDatabase(t, server, template)
			if err := prepare(url); err != nil {
				return err
			}
			// The first connection after a change of the schema writes down the catalogs (pg_internal.init), and clones have what it wrote.
			return withConn(ctx, url, func(*pgconn.PgConn) error { return nil })
		})
	}); err != nil {
		t.Fatalf("make the template %q: %v", name, err)
	}
	return newDatabase(t, server, template)
}

// HashFS is a short hash of all names and contents, the same on every machine.
func HashFS(t testing.TB, files fs.FS) string {
	t.Helper()
	h := sha256.New()
	if err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, path)
		_, _ = fmt.Fprintf(h, "%q %d ", path, len(b)) // a hash never fails; lengths keep neighbours apart
		_, _ = h.Write(b)
		return err
	}); err != nil {
		t.Fatalf("hash files: %v", err)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// ensureTemplate makes the database unless it is there. Whether it is a template tells if prepare went through: a
// process killed meanwhile leaves an ordinary database, which is made anew. The lock goes with the connection.
func ensureTemplate(ctx context.Context, conn *pgconn.PgConn, name string, prepare func() error) error {
	if err := exec1(ctx, conn, "SELECT pg_advisory_lock(hashtextextended('"+name+"', 0))"); err != nil {
		return err
	}
	results, err := conn.Exec(ctx, "SELECT 1 FROM pg_database WHERE datistemplate AND datname = '"+name+"'").ReadAll()
	if err != nil {
		return err
	}
	if len(results[0].Rows) > 0 {
		return nil
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name + " TEMPLATE template0"} {
		if err := exec1(ctx, conn, sql); err != nil {
			return err
		}
	}
	if err := prepare(); err != nil {
		return err
	}
	return exec1(ctx, conn, "ALTER DATABASE "+name+" WITH ALLOW_CONNECTIONS false IS_TEMPLATE true")
}
