//go:build linux

package inject

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/incidenthub/incidenthub/internal/faults/play"
	"github.com/incidenthub/incidenthub/internal/faults/score"
)

const kindDisk = "disk"

func diskFaults() []Fault {
	return []Fault{
		{Name: "directory fills a small file system", Type: kindDisk, Root: true, titles: []string{"Disk almost full", "Disk usage high", "Disk alert"}, make: fullDirectory},
		{Name: "many old logs", Type: kindDisk, Root: true, titles: []string{"Disk almost full", "Disk usage high", "Disk alert"}, make: oldLogs},
		{Name: "deleted but open file", Type: kindDisk, titles: []string{"Disk usage high", "Disk space that du does not find", "Disk alert"}, make: deletedFile},
		{Name: "inodes used up", Type: kindDisk, Root: true, titles: []string{"No space left on device", "Disk: no inodes left", "Disk alert"}, make: inodes},
		{Name: "read-only mount", Type: kindDisk, Root: true, titles: []string{"Read-only file system", "Disk writes fail", "Disk alert"}, make: readOnly},
		{Name: "file grows fast", Type: kindDisk, titles: []string{"Disk usage rises fast", "Disk fills up", "Disk alert"}, make: growingFile},
		{Name: "slow writes", Type: kindDisk, titles: []string{"Disk I/O is slow", "High I/O wait", "Disk alert"}, make: slowWrites},
	}
}

// crowd makes the directories that others have on the same file system, with a little in each.
func (s *Stage) crowd(root string, bytes int) error {
	for _, d := range []string{"uploads", "exports", "lib"} {
		dir := filepath.Join(root, d)
		if err := open(dir); err != nil {
			return err
		}
		if err := s.write(filepath.Join(dir, "part-0"), bytes/3); err != nil {
			return err
		}
	}
	return nil
}

func fullDirectory(ctx context.Context, s *Stage) (Scene, error) {
	v, err := s.volume(ctx, s.name(), int64(s.between(150, 400))*mib, 0)
	if err != nil {
		return Scene{}, err
	}
	if err := s.crowd(v.path, int(v.size/12)); err != nil {
		return Scene{}, err
	}
	dir := filepath.Join(v.path, pick(s.rand, "spool", "cache", "data/queue", "tmp", "sessions"))
	if err := open(dir); err != nil {
		return Scene{}, err
	}
	files := s.between(3, 40)
	for i := range files {
		if err := s.write(filepath.Join(dir, fmt.Sprintf("item-%04d.bin", i)), int(v.size*88/100)/files); err != nil {
			return Scene{}, err
		}
	}
	s.remark("%d files", files)
	return of(score.Truth{Type: kindDisk, Dirs: []string{dir}, Cause: []string{`full|fill|\d+(\.\d+)? ?%|no space|little space`}}), nil
}

func oldLogs(ctx context.Context, s *Stage) (Scene, error) {
	v, err := s.volume(ctx, s.name(), int64(s.between(150, 400))*mib, 0)
	if err != nil {
		return Scene{}, err
	}
	if err := s.crowd(v.path, int(v.size/12)); err != nil {
		return Scene{}, err
	}
	dir := filepath.Join(v.path, pick(s.rand, "log", "logs", "var/log", "archive/log"))
	if err := open(dir); err != nil {
		return Scene{}, err
	}
	files, of1 := s.between(40, 110), s.name()
	for i := range files {
		p := filepath.Join(dir, fmt.Sprintf("%s.log.%d", of1, i+1))
		if err := s.write(p, int(v.size*87/100)/files); err != nil {
			return Scene{}, err
		}
		then := time.Now().AddDate(0, 0, -40-i)
		if err := os.Chtimes(p, then, then); err != nil {
			return Scene{}, err
		}
	}
	s.remark("%d files of 40 to %d days", files, files+40)
	return of(score.Truth{Type: kindDisk, Dirs: []string{dir}, Cause: []string{`\bold\b|older|not (changed|modified)|rotat|days`}}), nil
}

// deletedFile holds one on the machine's disk, or, when it can, on a small file system that is nearly full with it.
func deletedFile(ctx context.Context, s *Stage) (Scene, error) {
	size := s.between(350, 600)
	dir, err := s.dir("data")
	if err != nil {
		return Scene{}, err
	}
	if os.Geteuid() == 0 && s.rand.IntN(2) == 0 {
		v, err := s.volume(ctx, s.name(), int64(size)*mib, 0)
		if err != nil {
			return Scene{}, err
		}
		dir, size = v.path, int(v.size*90/100/mib)
	}
	p := filepath.Join(dir, s.name()+pick(s.rand, ".log", ".tmp", ".db"))
	a, err := s.actor(play.Role{Kind: "deleted", Path: p, Bytes: int64(size) * mib})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d MiB", size)
	t := a.truth(kindDisk, `deleted|unlinked`)
	t.Paths = append(t.Paths, p)
	return of(t), nil
}

func inodes(ctx context.Context, s *Stage) (Scene, error) {
	v, err := s.volume(ctx, s.name(), int64(s.between(64, 128))*mib, s.between(3000, 8000))
	if err != nil {
		return Scene{}, err
	}
	if err := s.crowd(v.path, mib); err != nil {
		return Scene{}, err
	}
	dir := filepath.Join(v.path, pick(s.rand, "sessions", "spool", "cache/objects", "mail"))
	if err := open(dir); err != nil {
		return Scene{}, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(v.path, &st); err != nil {
		return Scene{}, err
	}
	left := int(st.Ffree) - s.between(0, 20)
	for i := range left {
		if err := os.WriteFile(filepath.Join(dir, "sess_"+strconv.Itoa(i)), nil, 0o644); err != nil {
			return Scene{}, err
		}
	}
	s.remark("%d files", left)
	return of(score.Truth{Type: kindDisk, Dirs: []string{dir}, Paths: []string{v.path}, Cause: []string{`inode`}}), nil
}

// readOnly is a file system that was writable when its user came; nobody has a file on it open for writing.
func readOnly(ctx context.Context, s *Stage) (Scene, error) {
	v, err := s.volume(ctx, s.name(), int64(s.between(64, 128))*mib, 0)
	if err != nil {
		return Scene{}, err
	}
	p := filepath.Join(v.path, s.name()+".journal")
	if err := s.write(p, mib); err != nil {
		return Scene{}, err
	}
	if err := os.Chmod(p, 0o666); err != nil {
		return Scene{}, err
	}
	if _, err := s.actor(play.Role{Kind: "appender", Path: p, Every: 250 * time.Millisecond}); err != nil {
		return Scene{}, err
	}
	for range 50 { // the writer may have the file open at this very moment
		if err = unix.Mount("", v.path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return Scene{}, notPossible("remount: %v", err)
	}
	return of(score.Truth{Type: kindDisk, Paths: []string{v.path}, Cause: []string{`read[- ]only`}}), nil
}

func growingFile(_ context.Context, s *Stage) (Scene, error) {
	dir, err := s.dir(pick(s.rand, "log", "spool", "data"))
	if err != nil {
		return Scene{}, err
	}
	rate := int64(s.between(12, 28))
	p := filepath.Join(dir, s.name()+pick(s.rand, ".log", ".out", ".dump"))
	a, err := s.actor(play.Role{Kind: "growfile", Path: p, Rate: rate * mib, Most: 900 * mib})
	if err != nil {
		return Scene{}, err
	}
	s.remark("%d MiB/s", rate)
	t := a.truth(kindDisk, `grow|ris(es|ing)|increas|writes? .*(/s|per second)`)
	t.Paths = append(t.Paths, p)
	return of(t), nil
}

// slowWrites waits for a disk: one that a control group makes slow, or, without root, by syncing every write.
func slowWrites(_ context.Context, s *Stage) (Scene, error) {
	dir, err := s.dir("data")
	if err != nil {
		return Scene{}, err
	}
	p := filepath.Join(dir, s.name()+".db")
	r, h := play.Role{Kind: "slowwrite", Path: p, Bytes: 32 * mib}, how{}
	rate := strconv.Itoa(s.between(2, 6) * 256 << 10)
	device, err := blockDevice(dir)
	if err == nil {
		var g controlGroup
		g, err = s.cgroup("blkio", s.name(), map[int]map[string]string{
			1: {"blkio.throttle.write_bps_device": device + " " + rate}, 2: {"io.max": device + " wbps=" + rate},
		})
		r.Join, h.root = []string{g.dir}, true
	}
	if err != nil {
		if !errors.Is(err, ErrNotPossible) {
			return Scene{}, err
		}
		r.Join, h.root = nil, false
		s.remark("every write synced")
	} else {
		s.remark("the disk gives it %s bytes/s", rate)
	}
	a, err := s.start(s.name(), r, h)
	if err != nil {
		return Scene{}, err
	}
	t := a.truth(kindDisk, `i/?o[ -]?wait|slow|wait(s|ing)? for (the |a )?(disk|i/?o|block)|blocked|pressure|saturat`)
	t.Paths = append(t.Paths, p)
	scene := of(t)
	scene.Settle = 6 * time.Second
	return scene, nil
}
