//go:build unix

package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

// childVariable makes this test binary start servers, say where, and wait to be killed.
const childVariable = "HUB_SERVERS_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
	}
	os.Exit(m.Run())
}

func child() {
	p, err := StartPostgres(PostgresOptions{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	r, err := StartRedis()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(p.Pid(), p.Dir())
	fmt.Println(r.Pid(), r.Dir())
	select {}
}

// TestNothingOutlivesUs kills a process that owns servers and looks for what is left.
func TestNothingOutlivesUs(t *testing.T) {
	t.Parallel()
	needServers(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	pids, folders := make([]int, 2), make([]string, 2)
	for i := range 2 {
		lines.Scan()
		number, folder, _ := strings.Cut(lines.Text(), " ")
		if pids[i], err = strconv.Atoi(number); err != nil {
			t.Fatalf("the child said %q", lines.Text())
		}
		folders[i] = folder
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for i := range 2 {
		eventually(t, fmt.Sprintf("process %d of a killed test still runs", pids[i]), func() bool { return !running(pids[i]) })
		eventually(t, folders[i]+" of a killed test is still there", func() bool {
			_, err := os.Stat(folders[i])
			return errors.Is(err, os.ErrNotExist)
		})
	}
}

func TestPostgresLife(t *testing.T) {
	t.Parallel()
	needServers(t)
	p, err := StartPostgres(PostgresOptions{Durable: true, Settings: []string{"max_connections=17"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if got := query(t, p, "SHOW max_connections"); got != "17" {
		t.Errorf("max_connections = %s, want the 17 asked for", got)
	}
	if got := query(t, p, "SHOW fsync"); got != "on" {
		t.Errorf("fsync = %s on a durable server", got)
	}
	query(t, p, "CREATE TABLE kept AS SELECT 42 AS n")
	address := p.URL()
	for _, down := range []struct {
		name string
		call func() error
	}{{"kill", p.Kill}, {"stop", p.Stop}, {"abort", p.Abort}} {
		pid := p.Pid()
		if err := down.call(); err != nil {
			t.Fatalf("%s: %v", down.name, err)
		}
		if running(pid) || p.Pid() != 0 {
			t.Errorf("after %s process %d runs", down.name, pid)
		}
		if err := p.ping(t.Context()); err == nil {
			t.Errorf("after %s the server still answers", down.name)
		}
		if err := p.Start(); err != nil {
			t.Fatalf("start after %s: %v", down.name, err)
		}
		if got := query(t, p, "SELECT n FROM kept"); got != "42" {
			t.Errorf("after %s the row reads %q, want 42", down.name, got)
		}
	}
	if err := p.Start(); err == nil {
		t.Error("a second start of a running server went through")
	}
	if err := errors.Join(p.Signal(syscall.SIGSTOP), p.Restart()); err != nil {
		t.Errorf("restart of a paused server: %v", err)
	}
	if p.URL() != address {
		t.Errorf("the address moved from %s to %s", address, p.URL())
	}
	pid := p.Pid()
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Errorf("close twice: %v", err)
	}
	if _, err := os.Stat(p.Dir()); running(pid) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after close: process runs %t, folder %v", running(pid), err)
	}
	if err := p.Signal(syscall.SIGCONT); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal to a closed server: %v, want os.ErrProcessDone", err)
	}
}

func TestRedisLife(t *testing.T) {
	t.Parallel()
	needServers(t)
	r, err := StartRedis("maxmemory 10mb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	o.DB = RedisDatabases - 1
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatalf("set in the last database: %v", err)
	}
	if got := client.ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]; got != "10485760" {
		t.Errorf("maxmemory = %q, want the 10mb asked for", got)
	}
	if err := errors.Join(r.Kill(), r.Start()); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Get(t.Context(), "k").Result(); !errors.Is(err, redis.Nil) {
		t.Errorf("after a kill the key reads %q, %v; want an empty server", got, err)
	}
}

func TestStartFailures(t *testing.T) {
	t.Parallel()
	needServers(t)
	if p, err := StartPostgres(PostgresOptions{Settings: []string{"no_such_setting=1"}}); !errors.Is(err, ErrExited) ||
		!strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("StartPostgres with a wrong setting = %v, %v; want ErrExited with the log", p, err)
	}
	if r, err := StartRedis("no-such-setting 1"); !errors.Is(err, ErrExited) || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("StartRedis with a wrong setting = %v, %v; want ErrExited with the log", r, err)
	}
}

func TestMissingPrograms(t *testing.T) { // not parallel: it changes PATH
	t.Setenv("PATH", t.TempDir())
	if _, err := findPostgres(filepath.Join(t.TempDir(), "*")); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("findPostgres without a Postgres = %v, want ErrMissing and a command", err)
	}
	if _, err := StartRedis(); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("StartRedis without a redis-server = %v, want ErrMissing and a command", err)
	}
}

func TestNewestPostgres(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, version := range []string{"9", "15", "17"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		programs := []string{"postgres", "initdb"}
		if version == "17" {
			programs = programs[:1] // a client package without initdb does not count
		}
		for _, name := range programs {
			if err := os.WriteFile(filepath.Join(bin, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := findPostgres(filepath.Join(root, "*", "bin", "postgres"))
	if want := filepath.Join(root, "15", "bin"); got != want || err != nil {
		t.Errorf("findPostgres = %q, %v; want %q", got, err, want)
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	closed := filepath.Join(open, "closed")
	if err := os.MkdirAll(filepath.Join(closed, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if reachable(filepath.Join(closed, "inner")) {
		t.Error("a folder inside a closed one counts as reachable")
	}
	if !reachable("/") {
		t.Error("/ counts as closed")
	}
}

func needServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts servers")
	}
}

// query returns the first field of the last row, or "".
func query(t *testing.T, p *Postgres, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, p.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if rows := results[len(results)-1].Rows; len(rows) > 0 {
		return string(rows[0][0])
	}
	return ""
}

// running reports whether the process exists and is not only waiting to be collected.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func eventually(t *testing.T, message string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !done() {
		if !sleep(ctx, pollEvery) {
			t.Fatal(message)
		}
	}
}
