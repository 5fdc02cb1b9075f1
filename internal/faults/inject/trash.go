//go:build linux

package inject

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// JanitorVariable is set in the environment of the process that clears up after this one.
const JanitorVariable = "FAULTS_JANITOR"

// Trash is what is to be taken back, last first: by Empty, or by a process of its own when this one is killed.
type Trash struct {
	mu    sync.Mutex
	items []item
	pipe  io.WriteCloser
	cmd   *exec.Cmd
}

type item struct {
	Do   string `json:"do"` // umount, rmdir, remove; forget: the last one is done
	Path string `json:"path,omitempty"`
}

// NewTrash starts the janitor, which is this program again.
func NewTrash(program string) (*Trash, error) {
	c := exec.Command(program)
	c.Env = []string{JanitorVariable + "=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Stderr = os.Stderr
	pipe, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &Trash{pipe: pipe, cmd: c}, c.Start()
}

// Mark is for Empty: what is added from now on.
func (t *Trash) Mark() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.items)
}

// Add notes what is to be done to a path.
func (t *Trash) Add(do, path string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := item{do, path}
	t.items = append(t.items, i)
	return json.NewEncoder(t.pipe).Encode(i)
}

// Empty takes back all that was added since mark.
func (t *Trash) Empty(mark int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for len(t.items) > mark {
		errs = append(errs, t.items[len(t.items)-1].undo())
		t.items = t.items[:len(t.items)-1]
		errs = append(errs, json.NewEncoder(t.pipe).Encode(item{Do: "forget"}))
	}
	return errors.Join(errs...)
}

// Close empties the rest and sends the janitor home.
func (t *Trash) Close() error {
	return errors.Join(t.Empty(0), t.pipe.Close(), t.cmd.Wait())
}

func (i item) undo() (err error) {
	switch i.Do {
	case "umount":
		if err = again(func() error { return unix.Unmount(i.Path, 0) }); err != nil {
			return errors.Join(err, unix.Unmount(i.Path, unix.MNT_DETACH))
		}
	case "rmdir": // a control group is busy until its last process is gone
		err = again(func() error { return syscall.Rmdir(i.Path) })
	case "remove":
		err = os.RemoveAll(i.Path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func again(do func() error) (err error) {
	for range 20 {
		if err = do(); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// Janitor reads what is made and what is taken back, and does the rest when no more comes.
func Janitor(in io.Reader) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	var items []item
	for d := json.NewDecoder(in); ; {
		var i item
		if err := d.Decode(&i); err != nil {
			break
		}
		if i.Do == "forget" {
			items = items[:max(0, len(items)-1)]
			continue
		}
		items = append(items, i)
	}
	var errs []error
	for _, i := range slices.Backward(items) {
		errs = append(errs, i.undo())
	}
	return errors.Join(errs...)
}
