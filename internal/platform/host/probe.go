// Package host looks at a machine: the one seam through which checks and the local analyzer see processes, memory, disks and sockets, so
// that what one host looked like can be replayed in tests.
package host

import (
	"context"
	"time"
)

// Probe looks at a host. It is safe for concurrent use. Whatever cannot be read is left out and named in Unread: only a host that cannot be
// looked at at all is an error.
type Probe interface {
	// Sample takes all of a Sample at once. Processes may vanish meanwhile.
	Sample(ctx context.Context) (*Sample, error)
	// Walk sums up what is below a directory. It stops at ctx's end and at the walk's limits, and says so.
	Walk(ctx context.Context, root string, o WalkOptions) (*Walk, error)
	// Read reads a small text file (/proc, /sys, /etc, a pidfile), at most 1 MiB of it. Its error is fs.ErrNotExist where there is none.
	// A recorded host gives what one path said in the order it was read, and the last of it from then on.
	Read(ctx context.Context, path string) ([]byte, error)
	// List names what is in a directory, at most 10,000 names, sorted.
	List(ctx context.Context, path string) ([]string, error)
	// Pidfiles finds *.pid in the usual places (/run, /var/run, /tmp, and below them one level) with the number in them.
	Pidfiles(ctx context.Context) ([]Pidfile, error)
	// Connect opens a TCP connection to address ("host:port") and, when send is not empty, writes it and waits for the first byte.
	Connect(ctx context.Context, address, send string) Connection
	// Lookup asks one name server ("ip" or "ip:port") for name, or the system's resolver when server is "".
	Lookup(ctx context.Context, server, name string) Answer
	// Wait sleeps between two samples; a recorded host does not.
	Wait(ctx context.Context, d time.Duration) error
}

// WalkOptions bound a walk. It never leaves the file system of its root and never follows links.
type WalkOptions struct {
	Depth     int           `json:"depth"`       // directories deeper than this are summed into their ancestor; 0: 3
	Entries   int           `json:"entries"`     // at most; 0: 200,000
	Time      time.Duration `json:"time_ns"`     // at most; 0: 5 s
	Top       int           `json:"top"`         // of each list; 0: 20
	LargeFrom uint64        `json:"large_from"`  // files from this size on are listed; 0: 1 MiB
	OldFrom   time.Duration `json:"old_from_ns"` // files not changed for so long, and at least 1 MiB, are listed; 0: none
	Skip      []string      `json:"skip"`        // absolute paths that are left out
}

// Walk is what was found below a directory. Sizes are what is allocated on disk; a file with several links counts once.
type Walk struct {
	Root    string        `json:"root"`
	Size    uint64        `json:"size"`
	Entries int           `json:"entries"`
	Dirs    []Directory   `json:"dirs"`     // with the most in them, largest first; each with all that is below it
	Crowded []Directory   `json:"crowded"`  // with the most entries of their own, for inodes
	Large   []FileInfo    `json:"large"`    // largest first
	Old     []FileInfo    `json:"old"`      // largest first
	OldSize uint64        `json:"old_size"` // of all old files
	OldN    int           `json:"old_n"`
	Cut     string        `json:"cut,omitempty"` // why it is not all: "5 s are over", "200,000 entries"
	Unread  int           `json:"unread"`        // directories that may not be read
	Took    time.Duration `json:"took_ns"`
}

// Directory is a directory within a walk.
type Directory struct {
	Path    string `json:"path"`
	Size    uint64 `json:"size"`    // of all below
	Entries int    `json:"entries"` // of all below
	Own     int    `json:"own"`     // entries directly in it
	OldSize uint64 `json:"old_size"`
}

// FileInfo is a regular file within a walk.
type FileInfo struct {
	Path       string    `json:"path"`
	Size       uint64    `json:"size"`
	ModifiedAt time.Time `json:"modified_at"`
}

// Pidfile is a file that names a process.
type Pidfile struct {
	Path  string `json:"path"`
	PID   int    `json:"pid"`
	Alive bool   `json:"alive"`
	Name  string `json:"name,omitempty"` // of the process with that pid now
	// ModifiedAt is when the file was written: of many stale ones the newest matters.
	ModifiedAt time.Time `json:"modified_at,omitzero"`
}

// Connection is what came of connecting.
type Connection struct {
	Address   string        `json:"address"`
	Connected time.Duration `json:"connected_ns"` // until the connection stood; 0: it never did
	FirstByte time.Duration `json:"first_byte_ns"`
	Error     string        `json:"error,omitempty"` // refused, timeout, unreachable, no such host, reset, or a text
}

// Answer is what a name server said.
type Answer struct {
	Server    string        `json:"server"`
	Name      string        `json:"name"`
	Addresses []string      `json:"addresses,omitempty"`
	Took      time.Duration `json:"took_ns"`
	Error     string        `json:"error,omitempty"` // timeout, refused, no such host, or a text; "no such host" is an answer
}
