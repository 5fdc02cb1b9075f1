// Command incidenthub is the hub and its tools in one binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/incidenthub/incidenthub/apps/cli"
	"github.com/incidenthub/incidenthub/internal/server"
)

func main() { os.Exit(run()) }

// run lets the first signal end things in order; a second one ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, cli.Program{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Environ: os.Environ, Serve: server.Run, Work: server.RunWorker, Open: server.Open,
		Analyzer: server.Analyzer, Checks: server.Checks, Preflight: server.Preflight,
	}, os.Args[1:])
}
