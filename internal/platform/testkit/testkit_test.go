//go:build unix

package testkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestPostgres(t *testing.T) {
	t.Parallel()
	one, two := testkit.Postgres(t), testkit.Postgres(t)
	query(t, one, "CREATE TABLE things AS SELECT 1 AS n")
	if got := query(t, one, "SELECT count(*)::text FROM things"); got != "1" {
		t.Errorf("things in the first database: %s, want 1", got)
	}
	if got := query(t, two, "SELECT count(*)::text FROM pg_class WHERE relname = 'things'"); got != "0" {
		t.Errorf("tables called things in the second database: %s, want 0", got)
	}
}

func TestPostgresIsDropped(t *testing.T) { //nolint:tparallel // the subtest ends before the rest begins
	t.Parallel()
	outer := testkit.Postgres(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		inner := testkit.Postgres(t)
		name = query(t, inner, "SELECT current_database()::text")
		conn, err := pgx.Connect(t.Context(), inner) // a forgotten connection must not keep the database
		if err != nil {
			t.Fatal(err)
		}
		_ = conn
	})
	if got := query(t, outer, "SELECT count(*)::text FROM pg_database WHERE datname = '"+name+"'"); got != "0" {
		t.Errorf("database %s is there after its test", name)
	}
}

func TestPostgresFrom(t *testing.T) { //nolint:tparallel // the subtest ends before the rest begins
	t.Parallel()
	var prepared atomic.Int32
	prepare := func(url string) error {
		prepared.Add(1)
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(context.Background(), "CREATE TABLE things AS SELECT 7 AS n")
		return errors.Join(err, conn.Close(context.Background()))
	}
	key := fmt.Sprint("testkit", os.Getpid())
	t.Run("at once", func(t *testing.T) {
		for range 4 {
			t.Run("clone", func(t *testing.T) {
				t.Parallel()
				url := testkit.PostgresFrom(t, key, prepare)
				if got := query(t, url, "SELECT n::text FROM things"); got != "7" {
					t.Errorf("things in a clone: %s, want 7", got)
				}
				query(t, url, "DELETE FROM things")
			})
		}
	})
	if got := prepared.Load(); got != 1 {
		t.Errorf("prepared %d times, want once", got)
	}
}

// TestPostgresFromRecovers makes a template again whose first preparation broke off.
func TestPostgresFromRecovers(t *testing.T) {
	t.Parallel()
	key := fmt.Sprint("broken", os.Getpid())
	broken := errors.New("half way")
	failed := outcome(t, func(r *recorder) {
		testkit.PostgresFrom(r, key, func(string) error { return broken })
	})
	if !strings.Contains(failed, broken.Error()) {
		t.Errorf("a failed preparation said %q", failed)
	}
	url := testkit.PostgresFrom(t, key, func(url string) error {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			return err
		}
		return conn.Close(context.Background())
	})
	if got := query(t, url, "SELECT 'here'"); got != "here" {
		t.Errorf("the second preparation's clone answers %q", got)
	}
}

func TestDurablePostgres(t *testing.T) {
	t.Parallel()
	url := testkit.DurablePostgres(t)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if got := query(t, url, "SHOW "+setting); got != "on" {
			t.Errorf("%s = %s, want on", setting, got)
		}
	}
}

func TestOwnServers(t *testing.T) {
	t.Parallel()
	p := testkit.OwnPostgres(t, "max_connections=11")
	if got := query(t, p.URL(), "SHOW max_connections"); got != "11" {
		t.Errorf("max_connections = %s, want 11", got)
	}
	r := testkit.OwnRedis(t, "maxmemory 20mb")
	if got := client(t, r.URL()).ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]; got != "20971520" {
		t.Errorf("maxmemory = %s, want 20971520", got)
	}
}

func TestRedis(t *testing.T) { //nolint:tparallel // the subtest ends before the rest begins
	t.Parallel()
	var mu sync.Mutex
	held := map[string]bool{}
	t.Run("at once", func(t *testing.T) {
		for range 20 {
			t.Run("database", func(t *testing.T) {
				t.Parallel()
				url := testkit.Redis(t)
				mu.Lock()
				defer mu.Unlock()
				if held[url] {
					t.Errorf("%s was given to two tests", url)
				}
				held[url] = true
			})
		}
	})
	var inner string
	t.Run("inner", func(t *testing.T) {
		inner = testkit.Redis(t)
		if err := client(t, inner).Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	})
	if n := client(t, inner).DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys are there after their test", n)
	}
}

// TestRedisSparesData gives a server that has somebody's data in one of two databases.
func TestRedisSparesData(t *testing.T) { // not parallel: it changes the environment
	r := testkit.OwnRedis(t, "databases 2")
	c := client(t, strings.TrimSuffix(r.URL(), "0")+"1")
	if err := c.Set(t.Context(), "precious", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HUB_TEST_REDIS_URL", r.URL())
	if got := outcome(t, func(r *recorder) { testkit.Redis(r) }); !strings.Contains(got, "free and empty") {
		t.Errorf("with no empty database Redis said %q", got)
	}
	if got := c.Get(t.Context(), "precious").Val(); got != "v" {
		t.Errorf("the data reads %q, want v", got)
	}
}

func TestHashFS(t *testing.T) {
	t.Parallel()
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	base := testkit.HashFS(t, fstest.MapFS{"a": file("1"), "d/b": file("2")})
	if got := testkit.HashFS(t, fstest.MapFS{"d/b": file("2"), "a": file("1")}); got != base {
		t.Error("the same files hash differently")
	}
	for name, other := range map[string]fstest.MapFS{
		"content": {"a": file("1"), "d/b": file("3")},
		"name":    {"a": file("1"), "d/c": file("2")},
		"border":  {"a": file("12"), "d/b": file("")},
		"missing": {"a": file("1")},
	} {
		if testkit.HashFS(t, other) == base {
			t.Errorf("another %s hashes the same", name)
		}
	}
}

func TestEventually(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		testkit.Eventually(t, time.Minute, func() bool { return time.Since(start) > 30*time.Second }, "never")
		got := outcome(t, func(r *recorder) {
			testkit.Eventually(r, time.Minute, func() bool { return false }, "no luck")
		})
		if !strings.Contains(got, "no luck") || !strings.Contains(got, "1m0s") {
			t.Errorf("after the limit it said %q", got)
		}
	})
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	fake := &recorder{TB: t, out: &out}
	log := testkit.Logger(fake)
	log.DebugContext(t.Context(), "seen", "key", "value")
	if got := out.String(); !strings.Contains(got, "level=DEBUG msg=seen key=value") {
		t.Errorf("the output is %q", got)
	}
	for _, f := range fake.cleanups {
		f()
	}
	log.InfoContext(t.Context(), "late")
	if strings.Contains(out.String(), "late") {
		t.Error("a line after the end of the test went to its output")
	}
}

func TestChromium(t *testing.T) { // not parallel: it changes PATH
	if path := testkit.Chromium(t); path == "" {
		t.Error("no path")
	}
	t.Setenv("PATH", t.TempDir())
	if got := outcome(t, func(r *recorder) { testkit.Chromium(r) }); !strings.Contains(got, "apt-get install -y chromium") {
		t.Errorf("without a browser it said %q", got)
	}
}

// recorder is a test that only notes how it failed.
type recorder struct {
	testing.TB
	out      io.Writer
	failure  string
	cleanups []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Output() io.Writer { return r.out }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Fatal(args ...any) { r.failure = fmt.Sprint(args...); panic(r) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	panic(r)
}

// outcome is what f failed with, "" when it did not.
func outcome(t *testing.T, f func(*recorder)) (failure string) {
	t.Helper()
	r := &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		failure = r.failure
	}()
	f(r)
	return ""
}

func query(t *testing.T, url, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	for rows.Next() {
		if err := rows.Scan(&answer); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
