//go:build unix

// Command bench measures a hub: durable accepts, the way from an alert to a receiver, latency, CPU, start, memory and disk, on
// each database, with checks that nothing was lost or told twice. README.md says how to read its table.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/incidenthub/incidenthub/internal/bench/load"
	"github.com/incidenthub/incidenthub/internal/bench/target"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

type options struct {
	forms       []form
	seconds     int
	clients     int
	alerts      int64
	freshAlerts int64
	profiles    string
	only        string
	json        bool
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	engine := flags.String("engine", "all", "sqlite, postgres, scaled or all")
	workers := flags.String("workers", "1,2,4", "worker processes beside the server of a scaled hub, one column each")
	flags.IntVar(&o.seconds, "seconds", 4, "length of each load")
	flags.IntVar(&o.clients, "clients", 64, "connections that send, each with one request under way")
	flags.Int64Var(&o.alerts, "alerts", 0, "alerts of each load, instead of --seconds")
	flags.Int64Var(&o.freshAlerts, "fresh", 0, "instead: send this many alerts to a Postgres without ANALYZE, CPU for each 10,000")
	flags.StringVar(&o.profiles, "profile", "", "folder for a CPU profile of the hub in each load, and the statements that cost Postgres most")
	flags.StringVar(&o.only, "only", "", "one load: "+strings.Join(loads(), ", "))
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.forms, err = forms(*engine, *workers); err != nil {
		return o, err
	}
	if o.only != "" && !slices.Contains(loads(), o.only) {
		return o, fmt.Errorf("--only is one of %q, not %q", loads(), o.only)
	}
	if flags.NArg() > 0 || o.seconds < 1 || o.clients < 1 || o.alerts < 0 || o.freshAlerts < 0 || max(o.alerts, o.freshAlerts) > load.Most/4 {
		return o, fmt.Errorf("--seconds and --clients are at least 1, --alerts and --fresh at most %d, and there is nothing else", load.Most/4)
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintln(stderr, "bench:", err)
		return code
	}
	if len(args) > 0 && (args[0] == target.ServeCommand || args[0] == target.WorkCommand) {
		do := target.Work
		if args[0] == target.ServeCommand {
			do = func(ctx context.Context) error { return target.Serve(ctx, args[1:]) }
		}
		if err := do(context.Background()); err != nil {
			return fail(exitFailed, err)
		}
		return 0
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return fail(exitUsage, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := o.measure(ctx, stderr)
	if err != nil {
		return fail(exitFailed, err)
	}
	if o.json {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		_, err = io.WriteString(stdout, r.markdown())
	}
	if err != nil {
		return fail(exitFailed, err)
	}
	if slices.ContainsFunc(r.Stages, func(f Figures) bool { return len(f.Problems) > 0 }) {
		return fail(exitFailed, errors.New("a check failed: see above"))
	}
	return 0
}

func (o options) measure(ctx context.Context, stderr io.Writer) (r Report, err error) {
	folder, err := os.MkdirTemp("", "hubbench-")
	if err != nil {
		return r, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return r, fmt.Errorf("make the folder for profiles: %w", err)
		}
	}
	b := &bench{options: o, folder: folder, say: func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", args...) }}
	b.say("building the hub …")
	if b.binary, err = target.Build(ctx, folder, o.profiles != ""); err != nil {
		return r, err
	}
	if b.receiver, err = load.NewReceiver(ctx); err != nil {
		return r, err
	}
	r = Report{Clients: o.clients, Seconds: o.seconds, Alerts: o.alerts, Hub: b.binary.Name, Machine: describe(folder)}
	if o.freshAlerts > 0 {
		r.Stages, err = b.trap(ctx)
		return r, err
	}
	if err := b.all(ctx, &r); err != nil {
		return r, err
	}
	return r, b.receiver.Close()
}

// all measures each form; those on Postgres share one server, and so do those with Redis.
func (b *bench) all(ctx context.Context, r *Report) (err error) {
	var cluster *target.Cluster
	defer func() {
		if cluster != nil {
			err = errors.Join(err, cluster.Close())
		}
	}()
	for _, f := range b.forms {
		var on *target.Cluster
		if f.engine != target.SQLite {
			if cluster == nil {
				if cluster, err = target.StartCluster(ctx, b.statistics()...); err != nil {
					return err
				}
				r.Machine.Postgres = cluster.Version
			}
			on = cluster
		}
		if f.engine == target.Scaled {
			if err := cluster.AddRedis(ctx); err != nil {
				return err
			}
			r.Machine.Redis = cluster.RedisVersion
		}
		stages, standing, err := b.form(ctx, f, on)
		r.Stages, r.Standing = append(r.Stages, stages...), append(r.Standing, standing)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil
}

// statistics are Postgres' settings for what --profile writes. They cost it a few percent.
func (b *bench) statistics() []string {
	if b.profiles == "" {
		return nil
	}
	return []string{target.Statistics}
}
