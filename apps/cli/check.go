package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/config"
)

// Exit codes of checks, as monitoring tools know them.
const (
	exitUnknown  = 1
	exitCritical = 2
)

// ended ends a command with an exit code after it has printed all there is to say.
type ended int

func (ended) Error() string { return "failed" }

// checkFlags are what commands that run checks share.
type checkFlags struct {
	JSON           bool          `help:"Print JSON."`
	FailOnWarning  bool          `help:"Exit with 1 on a warning, and on critical."`
	FailOnCritical bool          `help:"Exit with 1 instead of 2 on critical."`
	Warning        *float64      `name:"warning-threshold" placeholder:"N" help:"Warning threshold of all checks that are run."`
	Critical       *float64      `name:"critical-threshold" placeholder:"N" help:"Critical threshold of all checks that are run."`
	Timeout        time.Duration `placeholder:"10s" help:"Time that each check may take."`
	DiskPaths      []string      `placeholder:"PATH" help:"Paths for disk and disk_inodes, separated by commas."`
	PingHosts      []string      `placeholder:"HOST" help:"Hosts for network."`
	Processes      []string      `placeholder:"NAME" help:"Parts of names for process."`
	Config         string        `placeholder:"FILE" help:"YAML or JSON file with settings: an object per check, and __all__ for all."`
}

// request makes a request of the flags; values are more settings, as NAME.KEY=VALUE.
func (f checkFlags) request(p *Program, s *checkers.Service, names, values []string) (checkers.Request, error) {
	r := checkers.Request{
		Tenant: tenant, Names: names, Timeout: f.Timeout, Warning: f.Warning, Critical: f.Critical, Origin: checkers.OriginCLI,
	}
	if f.Timeout < 0 {
		return r, usage{errors.New("--timeout must be more than 0")}
	}
	all := map[string]map[string]any{}
	if f.Config != "" {
		raw, err := p.input(f.Config)
		if err != nil {
			return r, usage{err}
		}
		if err := yaml.Unmarshal(raw, &all); err != nil {
			return r, usage{fmt.Errorf("%s has no object per check: %s", f.Config, firstLine(yaml.FormatError(err, false, false)))}
		}
	}
	set := func(check, key string, value any) {
		if all[check] == nil {
			all[check] = map[string]any{}
		}
		all[check][key] = value
	}
	for _, given := range []struct {
		checks []string
		key    string
		values []string
	}{
		{[]string{"disk", "disk_inodes"}, "paths", f.DiskPaths}, {[]string{"network"}, "hosts", f.PingHosts}, {[]string{"process"}, "processes", f.Processes},
	} {
		if len(given.values) > 0 {
			for _, check := range given.checks {
				if _, err := s.Set.Checker(check); err == nil {
					set(check, given.key, given.values)
				}
			}
		}
	}
	for _, v := range values {
		name, value, ok := strings.Cut(v, "=")
		check, key, dotted := strings.Cut(name, ".")
		if !ok || !dotted || check == "" || key == "" {
			return r, usage{fmt.Errorf("--set %q: want CHECK.KEY=VALUE", v)}
		}
		set(check, key, plainValue(value))
	}
	r.Configs = map[string]json.RawMessage{}
	for check, settings := range all {
		raw, err := json.Marshal(settings)
		if err != nil {
			return r, usage{fmt.Errorf("settings of %s: %w", check, err)}
		}
		r.Configs[check] = raw
	}
	return r, nil
}

// plainValue reads JSON, and takes what is none as a text.
func plainValue(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		return v
	}
	return s
}

// checks makes what runs them. What it logs is not shown: the results say it.
func (p *Program) checks() (*checkers.Service, error) {
	cfg, err := config.Load(p.Getenv, map[string]string{"HUB_DATA_DIR": os.TempDir()}) // not used; cron and systemd set no HOME
	if err != nil {
		return nil, err
	}
	return p.Checks(cfg, slog.New(slog.DiscardHandler))
}

// exit is the code that results end with, nil for 0.
func (f checkFlags) exit(r checkers.Report) error {
	n := tally(r)
	switch {
	case f.FailOnWarning && n.Warning+n.Critical > 0, f.FailOnCritical && n.Critical > 0:
		return ended(exitUnknown)
	case n.Critical > 0:
		return ended(exitCritical)
	case n.Unknown > 0 || len(r.Errors) > 0:
		return ended(exitUnknown)
	}
	return nil
}

// summary counts results.
type summary struct {
	Total    int `json:"total"`
	OK       int `json:"ok"`
	Warning  int `json:"warning"`
	Critical int `json:"critical"`
	Unknown  int `json:"unknown"`
}

func tally(r checkers.Report) summary {
	n := summary{Total: len(r.Results)}
	for i := range r.Results {
		switch r.Results[i].Status {
		case checkers.OK:
			n.OK++
		case checkers.Warning:
			n.Warning++
		case checkers.Critical:
			n.Critical++
		case checkers.Unknown:
			n.Unknown++
		}
	}
	return n
}

// complain names checks that could not be run.
func (p *Program) complain(r checkers.Report) {
	for _, e := range r.Errors {
		_, _ = fmt.Fprintln(p.Err, "incidenthub: "+clean(e))
	}
}

// limits renders thresholds for a list.
func limits(d checkers.Description) string {
	var parts []string
	sign := ""
	if d.Inverted {
		sign = "<"
	}
	for _, v := range []*float64{d.Warning, d.Critical} {
		if v == nil {
			parts = append(parts, "-")
			continue
		}
		parts = append(parts, sign+strconv.FormatFloat(*v, 'f', -1, 64))
	}
	return strings.TrimSpace(strings.Join(parts, " / ") + " " + d.Unit)
}
