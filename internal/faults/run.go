//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/incidenthub/incidenthub/internal/faults/inject"
	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

// An analysis may take so long and print so much.
const (
	mostTime   = 10 * time.Second
	mostOutput = 4 << 20
)

type bench struct {
	options
	set    inject.Setting
	binary string
	say    func(format string, args ...any)
}

// Case is one analysis of one fault.
type Case struct {
	Class    string          `json:"class"`
	Type     string          `json:"type"`
	Words    string          `json:"words"`
	Repeat   int             `json:"repeat"`
	Marks    score.Marks     `json:"marks"`
	Seconds  float64         `json:"seconds"`
	CPU      float64         `json:"cpu_seconds"`
	Load     string          `json:"load_average"`
	Others   int             `json:"processes_of_other_runs,omitempty"` // which make faults of their own
	Made     string          `json:"made"`                              // how the fault was made this time
	Truths   []score.Truth   `json:"truths"`
	Incident inject.Incident `json:"incident"`
	Result   json.RawMessage `json:"result,omitempty"`
	Output   string          `json:"output,omitempty"` // where it is no JSON, and what went to stderr
}

func (b *bench) all(ctx context.Context) (Report, error) {
	r := Report{Seed: b.seed, Root: os.Geteuid() == 0 && !b.noRoot, Machine: machine(), Repeat: b.repeat}
	r.Analyzer, r.Injector = "nobody", "nobody, and root where it must be"
	switch {
	case r.Root:
		r.Analyzer, r.Injector = "root", "root and nobody"
	case b.foreign:
		r.Injector = "root"
	}
	if os.Geteuid() != 0 {
		r.Analyzer, r.Injector = "this user", "this user"
	}
	for _, f := range b.faults {
		for n := range b.repeat {
			cases, err := b.one(ctx, f, n)
			if ctx.Err() != nil {
				return r, errors.New("interrupted")
			}
			switch {
			case errors.Is(err, inject.ErrNotPossible):
				r.NotPossible = append(r.NotPossible, Skipped{f.Name, err.Error()})
			case err != nil:
				r.Broken = append(r.Broken, Skipped{f.Name, err.Error()})
			}
			if err != nil {
				b.say("%s: %v", f.Name, err)
			}
			r.Cases = append(r.Cases, cases...)
		}
	}
	r.Bars = r.bars()
	if b.cases != "" {
		return r, b.keep(r.Cases)
	}
	return r, nil
}

// one makes a fault, waits until it can be seen, asks for each kind of words, and takes the fault back.
func (b *bench) one(ctx context.Context, f inject.Fault, n int) (cases []Case, err error) {
	if f.Root && os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: it needs root", inject.ErrNotPossible)
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %d", f.Name, n)
	stage, err := inject.NewStage(b.set, rand.New(rand.NewPCG(b.seed, h.Sum64())))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stage.Close()) }()
	s, err := f.Make(ctx, stage)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, s.Settle); err != nil {
		return nil, err
	}
	for _, words := range b.words {
		c := Case{Class: f.Name, Type: f.Type, Words: words, Repeat: n, Made: stage.Remarks(), Truths: s.Truths, Incident: s.Typed, Load: loadAverage(), Others: others(stage.Dir)}
		if words == vague {
			c.Incident = s.Vague
		}
		if err := b.analyze(ctx, s, &c, slices.Concat(stage.Known, running())); err != nil {
			return cases, err
		}
		if err := s.Lasts(); err != nil {
			return cases, err
		}
		b.say("%s, %s: %g of %d in %.1f s", f.Name, words, c.Marks.Points, score.Most, c.Seconds)
		cases = append(cases, c)
	}
	return cases, nil
}

// analyze runs the program as anybody would, and marks what it prints. The error is one of the bench, not of the analyzer.
func (b *bench) analyze(ctx context.Context, s *inject.Standing, c *Case, known []string) error {
	told, err := json.Marshal(c.Incident)
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	cmd := exec.CommandContext(limit, b.binary, "analyze", "--incident", "-", "--provider", "local", "--json")
	var out, complaints capped
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(told), &out, &complaints
	cmd.Env, cmd.Dir = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent", "LANG=C.UTF-8"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if b.noRoot && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: inject.Nobody, Gid: inject.Nobody}
	}
	cmd.WaitDelay = time.Second
	from := time.Now()
	if err := s.Space.Start(cmd); err != nil {
		return fmt.Errorf("start the analyzer: %w", err)
	}
	err = cmd.Wait()
	took := time.Since(from)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.Seconds, c.CPU = took.Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	result, bad := score.Parse(out.Bytes())
	if json.Valid(out.Bytes()) {
		c.Result = json.RawMessage(out.Bytes())
	} else {
		c.Output = out.String()
	}
	switch {
	case took > mostTime:
		c.Marks.Failed = "more than 10 s"
	case err != nil:
		c.Marks.Failed = "crash: " + err.Error()
	case bad != nil:
		c.Marks.Failed = bad.Error()
	default:
		c.Marks = score.Judge(result, c.Truths, known)
	}
	if c.Marks.Failed != "" {
		c.Output += complaints.String()
	}
	return nil
}

// capped keeps the first of what is written to it.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if left := mostOutput - c.Len(); left > 0 {
		_, _ = c.Buffer.Write(p[:min(left, len(p))])
	}
	return len(p), nil
}

// ReadFrom keeps io.Copy from going past Write.
func (c *capped) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{c}, r) }

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// running are the names of all processes.
func running() (names []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, f := range files {
		if name, err := os.ReadFile(f); err == nil {
			names = append(names, strings.TrimSpace(string(name)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// others counts the processes of runs that did not wait for this one, by what their environment tells. Only root may read all of it.
func others(dir string) (n int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		settings, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(settings, []byte(play.Variable+"=")) {
			continue
		}
		if program, err := os.Readlink(filepath.Join(filepath.Dir(f), "exe")); err == nil && !strings.HasPrefix(program, dir+"/") {
			n++
		}
	}
	return n
}

// keep writes what missed a point.
func (b *bench) keep(cases []Case) error {
	if err := os.MkdirAll(b.cases, 0o755); err != nil {
		return err
	}
	for _, c := range cases {
		if c.Marks.Points == score.Most && len(c.Marks.Dangers) == 0 {
			continue
		}
		content, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.cases, fmt.Sprintf("%s-%s-%d.json", slug(c.Class), c.Words, c.Repeat)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
