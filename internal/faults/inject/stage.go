//go:build linux

// Package inject makes faults on this machine, with normal load beside them, and takes everything back.
package inject

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNotPossible is wrapped by the error of a fault that this machine or this user cannot make.
var ErrNotPossible = errors.New("not possible here")

func notPossible(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotPossible, fmt.Sprintf(format, args...))
}

// Nobody is the user and the group without rights.
const Nobody = 65534

// Stage is where one fault happens. Close takes all of it back.
type Stage struct {
	Dir   string
	Host  string
	Known []string // names of its processes

	users   []uint32
	rand    *rand.Rand
	program string
	trash   *Trash
	mark    int
	names   []string
	actors  []*Actor
	spaces  []*Namespace
	note    []string
}

// Setting is what stages have in common.
type Setting struct {
	Host    string
	Users   []uint32 // one of them is who a process runs as that needs no root; none: this user
	Program string   // this program
	Trash   *Trash
}

// NewStage makes an empty stage. What is random on it comes from r.
func NewStage(set Setting, r *rand.Rand) (*Stage, error) {
	mark := set.Trash.Mark()
	dir, err := os.MkdirTemp("", pick(r, "site", "apps", "services", "prod")+"-")
	if err != nil {
		return nil, err
	}
	if err := set.Trash.Add("remove", dir); err != nil {
		return nil, err
	}
	s := &Stage{Dir: dir, Host: set.Host, users: set.Users, rand: r, program: set.Program, trash: set.Trash, mark: mark}
	s.names = names()
	r.Shuffle(len(s.names), func(i, j int) { s.names[i], s.names[j] = s.names[j], s.names[i] })
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if _, err := s.dir("bin"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// names are what culprits and decoys alike are called; nothing in a name tells.
func names() []string {
	return strings.Fields(`ledgerd imagescale reportd mailqueue searchidx pricefeed syncagent orderapi thumbd sessiond billing-worker metricsd cartsvc
		pdfrender geoipd authsvc queuerun backupd feedgen transcoder stockd invoiced relayd mapserver tagger bookingd exportd loyalty gatewayd refundd`)
}

// name is one that nobody on this stage has yet.
func (s *Stage) name() string {
	n := s.names[0]
	s.names = s.names[1:]
	s.Known = append(s.Known, n)
	return n
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// between gives a number of at least low and less than high.
func (s *Stage) between(low, high int) int { return low + s.rand.IntN(high-low) }

func (s *Stage) some(low, high time.Duration) time.Duration {
	return low + time.Duration(s.rand.Int64N(int64(high-low)))
}

// dir makes a directory on the stage that every user may write to.
func (s *Stage) dir(elems ...string) (string, error) {
	d := filepath.Join(append([]string{s.Dir}, elems...)...)
	return d, open(d)
}

func open(dir string) error {
	return errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o777))
}

// port is one that is free on all addresses.
func (s *Stage) port(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", ":0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("no TCP address")
	}
	return a.Port, nil
}

// write makes a file of n bytes that cannot be compressed, or the text.
func (s *Stage) write(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	src := rand.NewChaCha8([32]byte{byte(s.rand.Uint32())})
	_, err = io.CopyN(f, src, int64(n))
	return errors.Join(err, f.Close())
}

// remark is for the report: how the fault was made this time.
func (s *Stage) remark(format string, args ...any) {
	s.note = append(s.note, fmt.Sprintf(format, args...))
}

// Remarks say how the fault was made this time.
func (s *Stage) Remarks() string { return strings.Join(s.note, ", ") }

// Close ends what was started here and takes back what was made.
func (s *Stage) Close() error {
	var errs []error
	for _, n := range slices.Backward(s.spaces) {
		n.close()
	}
	for _, a := range slices.Backward(s.actors) {
		a.kill()
	}
	for _, a := range slices.Backward(s.actors) {
		a.bury()
	}
	errs = append(errs, s.trash.Empty(s.mark))
	return errors.Join(errs...)
}
