//go:build unix

package crashtest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/server"
)

// childVariable makes this test binary be a hub, or a worker of one.
const (
	childVariable = "HUB_CRASH_CHILD"
	asWorker      = "worker"
)

// queuesVariable names the queues that a hub under test works on, with commas; unset: all.
const queuesVariable = "HUB_CRASH_QUEUES"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	flag.Parse()
	// In the short form they wait for most of their time.
	if err := flag.Set("test.parallel", pick("8", "4")); err != nil {
		panic(err)
	}
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGINT, syscall.SIGTERM)
	go func() { // what was found so far
		<-broken
		summary.print(os.Stdout)
		os.Exit(1)
	}()
	code := m.Run()
	summary.print(os.Stdout)
	os.Exit(code)
}

// child is the hub as it is served: settings from the environment, fsync on. It says where it listens, ends in order at SIGTERM,
// and at once when whoever started it is gone.
func child() int {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	signal.Ignore(syscall.SIGXFSZ) // a file that may not grow is an error of the write then, like a full disk
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	cfg, err := config.Load(os.Getenv, nil)
	if err != nil {
		log.Error("read the settings", "error", err)
		return 2
	}
	opt := server.Options{Version: "crash", Handlers: checkHandlers(), Preset: "direct"}
	if q := os.Getenv(queuesVariable); q != "" {
		opt.Work.Queues = strings.Split(q, ",")
	}
	server.CollectLess() // as the commands do
	if os.Getenv(childVariable) == asWorker {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-stop; cancel() }()
		if err := server.RunWorkerWith(ctx, cfg, opt, os.Stdout, log); err != nil {
			log.Error("work", "error", err)
			return 1
		}
		return 0
	}
	s, err := server.New(context.Background(), cfg, log, io.Discard, opt)
	if err != nil {
		log.Error("start", "error", err)
		return 1
	}
	if err := s.Start(); err != nil {
		log.Error("start", "error", err)
		return 1
	}
	fmt.Println(s.Addr())
	<-stop
	began := time.Now()
	if err := s.Stop(context.Background()); err != nil {
		log.Error("stop", "error", err, "took", time.Since(began))
		return 1
	}
	log.Info("stopped", "took", time.Since(began))
	return 0
}
