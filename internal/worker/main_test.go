//go:build unix

package worker_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
	"github.com/incidenthub/incidenthub/internal/worker"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// open starts a bell, which ends with the test.
func open(t *testing.T, url string, queues ...string) *worker.Bell {
	t.Helper()
	b, err := worker.NewBell(worker.Config{URL: secret.NewString(url), Queues: queues, Log: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Stop(context.WithoutCancel(t.Context())) })
	return b
}

// dial returns a client that ends with the test.
func dial(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// isRung waits for a ring; with limit 0 it only looks.
func isRung(b *worker.Bell, queue string, limit time.Duration) bool {
	select {
	case <-b.Wait(queue):
		return true
	default:
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-b.Wait(queue):
		return true
	case <-late.C:
		return false
	}
}

// hear drains what b hears of queue until the test ends, and counts.
func hear(t *testing.T, b *worker.Bell, queue string) (count func() int) {
	t.Helper()
	var mu sync.Mutex
	var work sync.WaitGroup
	n, stop := 0, make(chan struct{})
	work.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-b.Wait(queue):
				mu.Lock()
				n++
				mu.Unlock()
			}
		}
	})
	t.Cleanup(func() { close(stop); work.Wait() })
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
