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
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// RedisDatabases is how many numbered databases our servers have.
const RedisDatabases = 512

// Redis is a running server of our own. It keeps nothing on disk: a restart finds it empty.
type Redis struct {
	server
	address *url.URL
}

// StartRedis makes a new, empty server and returns when it answers. Settings are further configuration lines, for
// example "maxmemory 10mb".
func StartRedis(settings ...string) (*Redis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server is %w: apt-get install -y redis-server", ErrMissing)
	}
	r := &Redis{}
	r.name, r.look = "redis-server", r.ping
	r.fast, r.now = syscall.SIGTERM, syscall.SIGKILL
	if r.folder, err = newFolder("redis", nil, true); err != nil {
		return nil, err
	}
	if r.guard, err = newGuard(r.folder, "KILL"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.folder))
	}
	if err := r.create(program, settings); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// URL is database 0, in the form that go-redis and asynq both read. Other databases differ in the path only.
func (r *Redis) URL() string { return r.address.String() }

func (r *Redis) create(program string, settings []string) error {
	password, file := rand.Text(), filepath.Join(r.folder, "redis.conf")
	r.command = []string{program, file}
	var failed error
	for range startTries {
		port, err := freePort()
		if err != nil {
			return err
		}
		r.address = &url.URL{
			Scheme: "redis", User: url.UserPassword("default", password), Path: "/0",
			Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		}
		lines := append([]string{
			"bind 127.0.0.1", "port " + strconv.Itoa(port), "requirepass " + password, "dir " + r.folder,
			"databases " + strconv.Itoa(RedisDatabases), `save ""`, "appendonly no", "daemonize no",
		}, settings...)
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return fmt.Errorf("configure redis-server: %w", err)
		}
		if failed = r.Start(); !errors.Is(failed, ErrExited) {
			return failed
		}
	}
	return failed
}

func (r *Redis) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	o, err := redis.ParseURL(r.URL())
	if err != nil {
		return err
	}
	o.MaxRetries = -1
	client := redis.NewClient(o)
	return errors.Join(client.Ping(ctx).Err(), client.Close())
}
