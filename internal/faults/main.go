//go:build linux

// Command faults measures the local analyzer: it makes faults on this machine, one after the other, with normal load beside each, asks
// the built program what is wrong, and marks the answers. README.md says how to read its table.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/incidenthub/incidenthub/internal/faults/inject"
	"github.com/incidenthub/incidenthub/internal/faults/play"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	// What a thread started gets the signal that its parent died when that thread ends. This one does not end before the program.
	runtime.LockOSThread()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}

type options struct {
	faults   []inject.Fault
	words    []string // typed, vague
	noRoot   bool
	foreign  bool
	repeat   int
	seed     uint64
	analyzer string
	cases    string
	json     bool
	list     bool
	lock     string // held during a run
}

// Words in which an incident is told.
const (
	typed = "typed"
	vague = "vague"
)

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	classes := flags.String("class", "", "only classes whose name or type contains one of these, with commas between them: cpu,zombies,link-down")
	onlyVague := flags.Bool("vague", false, "only with vague words (\"host unhealthy\")")
	onlyTyped := flags.Bool("typed", false, "only with words that name the type of the fault")
	flags.BoolVar(&o.noRoot, "no-root", false, "run the analyzer, and the processes of faults that can, as nobody")
	flags.BoolVar(&o.foreign, "foreign", false, "with --no-root: the processes of faults are root's, and the analyzer may not look into them")
	flags.IntVar(&o.repeat, "repeat", 1, "how often each class is made, each time otherwise")
	flags.Uint64Var(&o.seed, "seed", 0, "for what is random: sizes, names, places, words; 0: another each time, it is printed")
	flags.StringVar(&o.analyzer, "analyzer", "", "a built incidenthub, instead of building one")
	flags.StringVar(&o.cases, "cases", "", "folder for every case that missed a point, as JSON")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flags.BoolVar(&o.list, "list", false, "print the classes and end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.repeat < 1 || *onlyVague && *onlyTyped || o.foreign && !o.noRoot {
		return o, errors.New("--repeat is at least 1, --vague and --typed exclude each other, --foreign goes with --no-root, and there is nothing else")
	}
	switch {
	case *onlyVague:
		o.words = []string{vague}
	case *onlyTyped:
		o.words = []string{typed}
	default:
		o.words = []string{typed, vague}
	}
	if o.seed == 0 {
		o.seed = uint64(rand.Uint32())
	}
	o.lock = filepath.Join(os.TempDir(), "incidenthub-faults.lock")
	o.faults, err = choose(*classes)
	return o, err
}

// choose finds classes by parts of their names or types.
func choose(list string) (chosen []inject.Fault, err error) {
	all := inject.All()
	if list == "" {
		return all, nil
	}
	for want := range strings.SplitSeq(list, ",") {
		before := len(chosen)
		for _, f := range all {
			if (f.Type == want || strings.Contains(slug(f.Name), slug(want))) && slug(want) != "" {
				chosen = append(chosen, f)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("--class: no class or type contains %q; --list prints them", want)
		}
	}
	return chosen, nil
}

// slug writes "OOM-kill loop" as oom-kill-loop.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

func run(args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintln(stderr, "faults:", err)
		return code
	}
	if settings := getenv(play.Variable); settings != "" {
		return fail(exitFailed, play.Run(settings))
	}
	if getenv(inject.JanitorVariable) != "" {
		if err := inject.Janitor(os.Stdin); err != nil {
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
	if o.list {
		for _, f := range o.faults {
			_, _ = fmt.Fprintf(stdout, "%-8s %s\n", f.Type, slug(f.Name))
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
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
	if slices.ContainsFunc(r.Bars, func(b Bar) bool { return !b.Held }) || len(r.Broken) > 0 {
		return fail(exitFailed, errors.New("a bar is missed, or a fault could not be made: see above"))
	}
	return 0
}

// measure runs all that was chosen. What it made is taken back when it returns, however it returns.
func (o options) measure(ctx context.Context, stderr io.Writer) (r Report, err error) {
	program, err := os.Executable()
	if err != nil {
		return r, err
	}
	b := &bench{options: o, say: func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", args...) }}
	b.set = inject.Setting{Program: program, Users: o.users()}
	if b.set.Host, err = os.Hostname(); err != nil {
		return r, err
	}
	if b.set.Trash, err = inject.NewTrash(program); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.set.Trash.Close()) }()
	folder, err := os.MkdirTemp("", "analyze-")
	if err != nil {
		return r, err
	}
	if err := b.set.Trash.Add("remove", folder); err != nil {
		return r, err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // nobody is to run what is in it
		return r, err
	}
	if b.binary, err = b.build(ctx, folder); err != nil {
		return r, err
	}
	turn, err := b.turn(ctx)
	if err != nil {
		return r, err
	}
	defer turn.Close()
	b.say("seed %d", o.seed)
	r, err = b.all(ctx)
	return r, err
}

// users are those that processes of faults run as. Without root there is no choice.
func (o options) users() []uint32 {
	switch {
	case os.Geteuid() != 0:
		return nil
	case o.foreign:
		return []uint32{0}
	case o.noRoot:
		return []uint32{inject.Nobody}
	default:
		return []uint32{0, inject.Nobody}
	}
}

// turn waits until no other run is under way on this machine: each would take the other's faults for its own.
func (b *bench) turn(ctx context.Context) (*os.File, error) {
	f, err := os.Open(b.lock) // another user's may not be opened to be created
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.OpenFile(b.lock, os.O_CREATE|os.O_RDONLY, 0o644)
	}
	if err != nil {
		return nil, err
	}
	for told := false; ; told = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !told {
			b.say("another run is under way, waiting for it to end …")
		}
		if err := wait(ctx, time.Second); err != nil {
			f.Close()
			return nil, err
		}
	}
}

// build makes the program as it is released, or takes the one that was named.
func (b *bench) build(ctx context.Context, folder string) (string, error) {
	binary := filepath.Join(folder, "incidenthub")
	if b.analyzer != "" {
		// A copy: nobody may not be allowed to go where it is.
		content, err := os.ReadFile(b.analyzer)
		if err != nil {
			return "", err
		}
		return binary, os.WriteFile(binary, content, 0o755)
	}
	b.say("building the hub …")
	c := exec.CommandContext(ctx, "go", "build", "-tags", "nomsgpack", "-trimpath", "-o", binary, "github.com/incidenthub/incidenthub/cmd/incidenthub")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the hub: %w: %s", err, out)
	}
	return binary, nil
}
