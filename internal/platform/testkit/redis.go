//go:build unix

package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/testkit/servers"
)

// leaseLife frees the databases of test processes that were killed.
const leaseLife = time.Hour

// Redis returns the URL of an empty numbered database that nobody else has until the test ends. Channels for publish
// and subscribe are one space for the whole server, and FLUSHALL takes everybody's keys: tests of those use OwnRedis.
func Redis(t testing.TB) string {
	t.Helper()
	skipShort(t, "Redis")
	server := os.Getenv(redisVariable)
	if server == "" {
		r, err := shared.redis.get(func() (*servers.Redis, error) { return servers.StartRedis() })
		if err != nil {
			t.Fatal(err)
		}
		server = r.URL()
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	number, err := lease(ctx, server)
	if err != nil {
		t.Fatalf("take a Redis database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), waitLimit)
		defer cancel()
		if err := release(ctx, server, number); err != nil {
			t.Errorf("give back Redis database %d: %v", number, err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + strconv.Itoa(number)
	return u.String()
}

// OwnRedis starts an empty server for this test alone, for tests that stop, kill, pause or flush it. Settings are
// further lines of its configuration.
func OwnRedis(t testing.TB, settings ...string) *servers.Redis {
	t.Helper()
	skipShort(t, "Redis")
	r, err := servers.StartRedis(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// lease takes the next free number. Database 0 holds the leases, so that processes share one server. A database that
// is not empty is passed over: a given server may hold somebody's data.
func lease(ctx context.Context, server string) (int, error) {
	var taken int
	err := withRedis(server, 0, func(c *redis.Client) error {
		count, err := databases(ctx, c)
		if err != nil {
			return err
		}
		for range count {
			n, err := c.Incr(ctx, "testkit:next").Result()
			if err != nil {
				return err
			}
			number := 1 + int(n)%(count-1)
			ok, err := c.SetNX(ctx, leaseKey(number), os.Getpid(), leaseLife).Result()
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			size, err := size(ctx, server, number)
			if err != nil {
				return err
			}
			if size == 0 {
				taken = number
				return nil
			}
		}
		return fmt.Errorf("none of %d is free and empty", count)
	})
	return taken, err
}

func release(ctx context.Context, server string, number int) error {
	return errors.Join(
		withRedis(server, number, func(c *redis.Client) error { return c.FlushDB(ctx).Err() }),
		withRedis(server, 0, func(c *redis.Client) error { return c.Del(ctx, leaseKey(number)).Err() }),
	)
}

func size(ctx context.Context, server string, number int) (int64, error) {
	var n int64
	err := withRedis(server, number, func(c *redis.Client) (err error) {
		n, err = c.DBSize(ctx).Result()
		return err
	})
	return n, err
}

func databases(ctx context.Context, c *redis.Client) (int, error) {
	got, err := c.ConfigGet(ctx, "databases").Result()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(got["databases"])
	if err != nil || n < 2 {
		return 0, fmt.Errorf("the server has %q databases, tests need two or more", got["databases"])
	}
	return n, nil
}

func leaseKey(number int) string { return "testkit:lease:" + strconv.Itoa(number) }

// withRedis runs do on a client of its own and closes it.
func withRedis(server string, number int, do func(*redis.Client) error) error {
	o, err := redis.ParseURL(server)
	if err != nil {
		return err
	}
	o.DB = number
	c := redis.NewClient(o)
	return errors.Join(do(c), c.Close())
}
