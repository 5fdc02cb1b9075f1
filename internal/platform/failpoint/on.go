//go:build chaos

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Built reports whether this program has failpoints.
const Built = true

// variable says where to die, and at which hit: "after_send@3".
const variable = "HUB_FAILPOINT"

// Hit kills this process at the hit that the environment names.
func Hit(p Point) { armed().hit(p) }

var armed = sync.OnceValue(func() *fuse {
	f, err := newFuse(os.Getenv(variable)) //nolint:forbidigo // no setting: hubs that are built for use do not have it
	if err != nil {
		panic(err) // a test that kills nobody shows nothing
	}
	return f
})

// fuse burns down by hits of its point.
type fuse struct {
	point Point
	left  atomic.Int64
}

func newFuse(s string) (*fuse, error) {
	f := &fuse{}
	if s == "" {
		return f, nil
	}
	name, count, _ := strings.Cut(s, "@")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 || !slices.Contains(Points(), Point(name)) {
		return nil, fmt.Errorf("%s=%q: want a point of %q, @ and the number of the hit", variable, s, Points())
	}
	f.point = Point(name)
	f.left.Store(n)
	return f, nil
}

func (f *fuse) hit(p Point) {
	if p != f.point || f.left.Add(-1) != 0 {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // whoever came here goes no further
}
