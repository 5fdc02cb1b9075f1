//go:build unix

package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/server"
)

// ServeCommand is the hidden subcommand by which the bench runs itself as a hub: when there is no product binary, or to take CPU
// profiles, which the product's own binary does not offer. Its argument, if any, is the folder for profiles.
const ServeCommand = "hub-under-test"

// WorkCommand is the same for a worker; its profiles are not taken.
const WorkCommand = "worker-under-test"

// Work runs a worker with the settings of the environment until SIGTERM.
func Work(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	cfg, err := config.Load(os.Getenv, nil)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Log.Level}))
	return server.RunWorker(ctx, cfg, os.Stdout, log)
}

// Serve runs a hub with the settings of the environment until SIGTERM. SIGUSR1 begins a CPU profile, SIGUSR2 ends it.
func Serve(ctx context.Context, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	cfg, err := config.Load(os.Getenv, nil)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.Log.Level}))
	s, err := server.New(ctx, cfg, log, io.Discard, server.Options{Version: "bench", Work: server.Work{Queues: cfg.Jobs.Queues}})
	if err != nil {
		return err
	}
	server.CollectLess()
	if err := s.Start(); err != nil {
		return err
	}
	if len(args) > 0 {
		profile(ctx, args[0])
	}
	<-ctx.Done()
	return s.Stop(context.WithoutCancel(ctx))
}

// profile writes cpu-1.pprof, cpu-2.pprof … into folder, one for each pair of signals, until ctx ends.
func profile(ctx context.Context, folder string) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		var f *os.File
		for n := 1; ; {
			var err error
			select {
			case <-ctx.Done():
				return
			case got := <-signals:
				switch {
				case got == syscall.SIGUSR1 && f == nil:
					if f, err = os.Create(profilePath(folder, n) + ".part"); err == nil {
						err = pprof.StartCPUProfile(f)
					}
				case got == syscall.SIGUSR2 && f != nil:
					pprof.StopCPUProfile()
					err = errors.Join(f.Close(), allocations(allocsPath(folder, n)), os.Rename(f.Name(), profilePath(folder, n)))
					f = nil
					n++
				}
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "profile:", err)
			}
		}
	}()
}

// allocations writes what was allocated since the start.
func allocations(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

func allocsPath(folder string, n int) string { return fmt.Sprintf("%s/allocs-%d.pprof", folder, n) }

func profilePath(folder string, n int) string { return fmt.Sprintf("%s/cpu-%d.pprof", folder, n) }
