//go:build unix

// Command testenv runs a command beside one Postgres and one Redis that exist only for it:
//
//	testenv go test ./...
//
// The command finds them in HUB_TEST_POSTGRES_URL and HUB_TEST_REDIS_URL; one that is set already is left alone. Signals
// are passed on to the command and all it started. The exit code is the command's, 128 + n when signal n ended it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit/servers"
)

const (
	postgresVariable = "HUB_TEST_POSTGRES_URL"
	redisVariable    = "HUB_TEST_REDIS_URL"
	grace            = 10 * time.Second // from a signal to SIGKILL
)

const (
	exitUsage = 2
	exitSetup = 70 // the command was never run
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		_, _ = fmt.Fprintln(stderr, "usage: testenv [--] command [argument ...]")
		return exitUsage
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	env, closeAll, err := start()
	defer closeAll()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "testenv:", err)
		return exitSetup
	}
	return execute(args, env, signals, stdout, stderr)
}

// start starts what is not given, both at once; closeAll is never nil.
func start() (env []string, closeAll func(), err error) {
	var (
		postgres *servers.Postgres
		redis    *servers.Redis
		errs     [2]error
		wait     sync.WaitGroup
	)
	if os.Getenv(postgresVariable) == "" {
		wait.Go(func() { postgres, errs[0] = servers.StartPostgres(servers.PostgresOptions{}) })
	}
	if os.Getenv(redisVariable) == "" {
		wait.Go(func() { redis, errs[1] = servers.StartRedis() })
	}
	wait.Wait()
	env = os.Environ()
	if postgres != nil {
		env = append(env, postgresVariable+"="+postgres.URL())
	}
	if redis != nil {
		env = append(env, redisVariable+"="+redis.URL())
	}
	return env, func() {
		if postgres != nil {
			_ = postgres.Close()
		}
		if redis != nil {
			_ = redis.Close()
		}
	}, errors.Join(errs[:]...)
}

// execute runs the command in a process group of its own, so that a signal reaches the test binaries too: go test does
// not hand signals on to them.
func execute(args, env []string, signals <-chan os.Signal, stdout, stderr io.Writer) int {
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		_, _ = fmt.Fprintln(stderr, "testenv:", err)
		return exitSetup
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var late <-chan time.Time
	for {
		select {
		case sig := <-signals:
			if s, ok := sig.(syscall.Signal); ok {
				_ = syscall.Kill(-cmd.Process.Pid, s)
			}
			if late == nil {
				late = time.After(grace)
			}
		case <-late:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		case err := <-done:
			return exitCode(err, stderr)
		}
	}
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		_, _ = fmt.Fprintln(stderr, "testenv:", err)
		return exitSetup
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}
