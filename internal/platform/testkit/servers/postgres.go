//go:build unix

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Postgres is a running server of our own, for one machine and one superuser.
type Postgres struct {
	server
	address  *url.URL
	settings []string
}

// PostgresOptions choose what kind of server StartPostgres makes.
type PostgresOptions struct {
	// Durable keeps fsync, synchronous commit and full page writes on. Without it nothing survives a power cut, files
	// are in memory where there is room, and tests are several times faster.
	Durable bool
	// Settings are further "name=value" lines, for example "max_connections=20".
	Settings []string
}

const superuser = "hub"

// StartPostgres makes a new, empty server and returns when it takes connections, after about a second. As root it runs
// as the user postgres, because Postgres refuses to run as root.
func StartPostgres(o PostgresOptions) (*Postgres, error) {
	bin, err := findPostgres(debianPostgres)
	if err != nil {
		return nil, err
	}
	cred, err := unprivileged("postgres")
	if err != nil {
		return nil, err
	}
	p := &Postgres{settings: postgresSettings(o)}
	p.name, p.user, p.look = "postgres", cred, p.ping
	p.fast, p.now = syscall.SIGINT, syscall.SIGQUIT
	if p.folder, err = newFolder("pg", cred, o.Durable); err != nil {
		return nil, err
	}
	if p.guard, err = newGuard(p.folder, "QUIT"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.folder))
	}
	if err := p.create(bin); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// URL is the maintenance database postgres, over TCP, as superuser. Other databases differ in the path only.
func (p *Postgres) URL() string { return p.address.String() }

// create runs initdb and the first start.
func (p *Postgres) create(bin string) error {
	password := rand.Text()
	data, secret := filepath.Join(p.folder, "data"), filepath.Join(p.folder, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return fmt.Errorf("create the postgres password file: %w", err)
	}
	if p.user != nil {
		if err := os.Chown(secret, int(p.user.Uid), int(p.user.Gid)); err != nil {
			return fmt.Errorf("create the postgres password file: %w", err)
		}
	}
	// Passwords in clear text on the loopback only: hashing by SCRAM costs each of many short connections milliseconds.
	initdb := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "--pgdata", data, "--username", superuser, "--pwfile", secret,
		"--auth", "password", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.Env = p.folder, environment(p.folder)
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: p.user}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	var failed error
	for range startTries {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.address = &url.URL{
			Scheme: "postgres", User: url.UserPassword(superuser, password), Path: "/postgres",
			Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), RawQuery: "sslmode=disable",
		}
		p.command = []string{filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-k", p.folder}
		for _, s := range p.settings {
			p.command = append(p.command, "-c", s)
		}
		if failed = p.Start(); !errors.Is(failed, ErrExited) {
			return failed
		}
	}
	return failed
}

// ping connects once: a listening socket is not enough, Postgres refuses logins while it recovers.
func (p *Postgres) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	conn, err := pgconn.Connect(ctx, p.URL())
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func postgresSettings(o PostgresOptions) []string {
	s := []string{
		"listen_addresses=127.0.0.1", "max_connections=300", "shared_buffers=64MB", "timezone=UTC", "log_timezone=UTC",
		"jit=off",
		"dynamic_shared_memory_type=mmap", // in the folder, so that a killed server leaves nothing in /dev/shm
	}
	if !o.Durable {
		s = append(s, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal",
			"max_wal_senders=0", "checkpoint_timeout=1h", "max_wal_size=512MB", "bgwriter_lru_maxpages=0")
	}
	return append(s, o.Settings...)
}

// debianPostgres is where Debian puts each major version; none of them is in PATH.
const debianPostgres = "/usr/lib/postgresql/*/bin/postgres"

// findPostgres returns the folder with initdb and postgres: the newest that matches pattern, else the one in PATH.
func findPostgres(pattern string) (string, error) {
	found, _ := filepath.Glob(pattern)
	slices.SortFunc(found, func(a, b string) int { return postgresVersion(b) - postgresVersion(a) })
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, path)
	}
	for _, path := range found {
		bin := filepath.Dir(path)
		if _, err := os.Stat(filepath.Join(bin, "initdb")); err == nil {
			return bin, nil
		}
	}
	return "", fmt.Errorf("postgres is %w: apt-get install -y postgresql", ErrMissing)
}

// postgresVersion reads 15 out of /usr/lib/postgresql/15/bin/postgres.
func postgresVersion(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// unprivileged returns who to run as: nil, meaning this process' user, unless that is root.
func unprivileged(name string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is what exec wants for "no change"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("run %s as another user than root: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
