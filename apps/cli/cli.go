// Package cli is the command line: one file per command, the same services as the API and the pages. Commands that change
// what an operator configures work on the database directly, also beside a running hub; what makes the hub act or send goes
// through its API.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/cli/apply"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/config"
	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
	"github.com/incidenthub/incidenthub/internal/platform/secretstore"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// Exit codes. Other failures are ExitFailed.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2
)

// tenant is the one that the command line works for.
const tenant = "default"

// Hub is an opened and migrated database with the services that commands use. internal/server makes it.
type Hub struct {
	Target  *apply.Target
	Auth    *auth.Service
	Secrets *secretstore.Store
	// Kinds are what a channel can be.
	Kinds []channel.Spec
	// Test asks a stored provider once, with the settings of this process. What cannot be asked at all is an error.
	Test func(ctx context.Context, tenant, ref string) (intelligence.TestResult, error)
	// Usage tells what was asked of providers since a time.
	Usage func(ctx context.Context, tenant string, since time.Time) ([]intelligence.Usage, error)
	Close func() error
}

// Program is what surrounds the commands. All fields but Environ are required.
type Program struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	// Environ lists the environment, to find misspelt settings in; nil: nothing is looked for.
	Environ func() []string
	// Serve runs the hub until ctx ends. It writes what a person needs to begin to stdout. getenv gives the secrets that the file
	// of HUB_APPLY refers to.
	Serve func(ctx context.Context, cfg config.Config, getenv func(string) string, stdout io.Writer, log *slog.Logger) error
	// Work takes jobs from queues until ctx ends.
	Work func(ctx context.Context, cfg config.Config, stdout io.Writer, log *slog.Logger) error
	// Open opens the database for one command.
	Open func(ctx context.Context, cfg config.Config, log *slog.Logger) (*Hub, error)
	// Analyzer makes what looks at this machine and asks providers, without a hub.
	Analyzer func(cfg config.Config, log *slog.Logger) (*intelligence.Analyzer, error)
	// Checks makes what runs checks of this machine, without a hub.
	Checks func(cfg config.Config, log *slog.Logger) (*checkers.Service, error)
	// Preflight looks at the setup, and at environ for misspelt settings.
	Preflight func(ctx context.Context, cfg config.Config, environ, only []string, by string) (preflight.Run, error)
}

type commands struct {
	Serve           serveCmd           `cmd:"" help:"Run the hub: UI, API, webhooks and workers."`
	Worker          workerCmd          `cmd:"" help:"Work on what servers took in: a process of a hub that runs as several."`
	Migrate         migrateCmd         `cmd:"" help:"Bring the database's schema up to this release."`
	Parse           parseCmd           `cmd:"" help:"Show how the hub reads a webhook body."`
	Lint            lintCmd            `cmd:"" help:"Check pipeline definitions and configuration files."`
	Apply           applyCmd           `cmd:"" help:"Bring sources, channels, providers, silences and pipelines to what a file says."`
	Export          exportCmd          `cmd:"" help:"Write sources, channels, providers, silences and pipelines to a file."`
	Key             keyCmd             `cmd:"" help:"Manage API keys."`
	Incident        incidentCmd        `cmd:"" help:"See incidents and act on them, through a running hub."`
	Run             runCmd             `cmd:"" help:"See what pipelines did, through a running hub."`
	RunPipeline     runPipelineCmd     `cmd:"" help:"Run a pipeline once, by hand, or see what it would do, through a running hub."`
	MonitorPipeline monitorPipelineCmd `cmd:"" help:"See how far runs of pipelines are, through a running hub."`
	ShowPipeline    showPipelineCmd    `cmd:"" help:"See the pipelines that there are, through a running hub."`

	Preflight preflightCmd `cmd:"" aliases:"doctor" help:"Look at the settings and what they name: what is wrong, and what to do."`
	Change    changeCmd    `cmd:"" help:"Say that something was changed, through a running hub."`
	Silence   silenceCmd   `cmd:"" help:"Keep people from being told of something for a while, through a running hub."`

	Why     whyCmd     `cmd:"" help:"Explain why somebody was, or was not, told, through a running hub."`
	Ledger  ledgerCmd  `cmd:"" help:"Count what became of every alert, through a running hub."`
	Prune   pruneCmd   `cmd:"" help:"Remove what is over and old, through a running hub."`
	Queues  queuesCmd  `cmd:"" help:"Show what waits in each queue, through a running hub."`
	Health  healthCmd  `cmd:"" help:"Ask a running hub whether it takes alerts in."`
	Version versionCmd `cmd:"" help:"Print the version."`

	Analyze            analyzeCmd         `cmd:"" help:"Say what may be wrong with this machine, given an incident."`
	GetRecommendations recommendationsCmd `cmd:"" help:"Say what could be done about this machine, or about an incident of a running hub."`

	Eval evalCmd `cmd:"" help:"Measure who analyses, by past incidents whose cause is known."`

	SetupIntelligence setupIntelligenceCmd `cmd:"" help:"Set up who explains incidents: a language model behind an API."`
	Provider          providerCmd          `cmd:"" help:"See, change, test and activate providers of analyses."`

	Channel    channelCmd    `cmd:"" help:"See, make, change and test channels."`
	TestNotify testNotifyCmd `cmd:"" help:"Send one message by hand, through a running hub."`
	Notify     notifyCmd     `cmd:"" help:"See messages before they are sent, through a running hub."`
	Delivery   deliveryCmd   `cmd:"" help:"See what was told, and tell it again, through a running hub."`

	CheckHealth checkHealthCmd `cmd:"" help:"Look at this machine and say what is wrong with it."`
	RunCheck    runCheckCmd    `cmd:"" help:"Run one check of this machine or of an endpoint."`

	Definition definitionCmd `cmd:"" help:"See, compare, copy, import and export pipelines, through a running hub."`
	Schema     schemaCmd     `cmd:"" help:"Print the JSON Schema of what the hub reads."`
	Backtest   backtestCmd   `cmd:"" help:"Try a pipeline, or other groupings, on what came in, through a running hub."`
}

// failure ends a command with ExitFailed after it has printed all there is to say.
type failure struct{}

func (failure) Error() string { return "failed" }

// usage ends a command with ExitUsage: what it was given cannot be used.
type usage struct{ error }

// Unwrap returns what is wrong.
func (u usage) Unwrap() error { return u.error }

// exit is how kong's --help leaves the parser.
type exit int

// Run executes one command and returns the exit code. ctx ends when the process is asked to stop.
func Run(ctx context.Context, p Program, args []string) (code int) {
	defer func() {
		switch left := recover().(type) {
		case nil:
		case exit:
			code = int(left)
		default:
			panic(left)
		}
	}()
	var c commands
	parser, err := kong.New(&c,
		kong.Name("incidenthub"),
		kong.Description("Incident hub: webhooks in, pipelines, notifications out. Settings come from the environment (HUB_…) and from flags."),
		kong.Writers(p.Out, p.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 120}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&p),
	)
	if err != nil {
		return p.fail(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(p.Err, "incidenthub: %s\n", clean(err.Error()))
		if wrong := (*kong.ParseError)(nil); errors.As(err, &wrong) {
			if at := wrong.Context.Selected(); at != nil {
				_, _ = fmt.Fprintf(p.Err, "Try: incidenthub %s --help\n", at.Path())
			} else {
				_, _ = fmt.Fprintln(p.Err, "Try: incidenthub --help")
			}
		}
		return ExitUsage
	}
	return p.fail(parsed.Run())
}

// fail prints what went wrong and returns the exit code. Texts with several lines keep them.
func (p *Program) fail(err error) int {
	if err == nil {
		return ExitOK
	}
	if errors.Is(err, failure{}) {
		return ExitFailed
	}
	if c := ended(0); errors.As(err, &c) {
		return int(c)
	}
	code := ExitFailed
	if errors.As(err, new(usage)) {
		code = ExitUsage
	}
	lines := strings.Split(plainly(err).Error(), "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	_, _ = fmt.Fprintln(p.Err, "incidenthub: "+strings.Join(lines, "\n  "))
	return code
}

// where are the flags of commands that work on the database. They override the environment.
type where struct {
	DataDir     string `placeholder:"DIR" help:"Folder of the SQLite file and the secret key (HUB_DATA_DIR)."`
	DatabaseURL string `placeholder:"URL" help:"postgres://… or sqlite:/path (HUB_DATABASE_URL)."`
}

func (w where) overrides() map[string]string {
	return map[string]string{"HUB_DATA_DIR": w.DataDir, "HUB_DATABASE_URL": w.DatabaseURL}
}

// settings are the process settings. A key file that cannot be read is reported here, once and with what to do, before anything
// is opened or made.
func (p *Program) settings(over map[string]string) (config.Config, error) {
	cfg, err := config.Load(p.Getenv, over)
	if err != nil {
		return cfg, err
	}
	if file := cfg.Secrets.KeyFile; file != "" {
		f, err := os.Open(file)
		if err != nil {
			return cfg, fmt.Errorf("HUB_SECRET_KEY_FILE=%q cannot be read: %w\nPut the key there, or unset the variable: then secret.key in the data folder counts, "+
				"which is made at the first start", file, errors.Unwrap(err))
		}
		_ = f.Close()
	}
	return cfg, nil
}

// public is err without what must not be shown, such as the password in the database's address.
func public(err error) error {
	if errors.Is(err, secret.ErrNoKey) {
		return err // it names keys by their numbers
	}
	return errors.New(fault.Public(err))
}

// missingKey finds in the texts of secret.ErrNoKey which key is missing and which is there instead.
var missingKey = regexp.MustCompile(`key ([0-9a-f]+) is not in [^()]*\(there: ([0-9a-f]+)\)`)

// plainly says once what would be said for each stored secret: that the key is missing.
func plainly(err error) error {
	found := missingKey.FindAllStringSubmatch(err.Error(), -1)
	if !errors.Is(err, secret.ErrNoKey) || len(found) == 0 {
		return err
	}
	var missing []string
	for _, m := range found {
		if !slices.Contains(missing, m[1]) {
			missing = append(missing, m[1])
		}
	}
	return fmt.Errorf("the key that stored secrets are sealed with is missing: %s (the hub was given %s)\n"+
		"Put the copy of secret.key back into the data folder, or set HUB_SECRET_KEY to the missing key.\n"+
		"To use both, separate them by a comma; the first one seals", strings.Join(missing, ", "), found[0][2])
}

// logger writes to standard error in the form that the settings ask for.
func (p *Program) logger(c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Level}
	var h slog.Handler = slog.NewTextHandler(p.Err, o)
	if c.Format == "json" {
		h = slog.NewJSONHandler(p.Err, o)
	}
	return slog.New(trace.Handler(h))
}
