//go:build linux

package inject

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// controlGroup is one controller's group, of whichever version the machine has.
type controlGroup struct {
	dir     string // where its files are
	path    string // below the root of the controller
	version int
}

// cgroup makes a group for a controller ("memory", "cpu", "blkio") and writes its settings, by version.
func (s *Stage) cgroup(controller, name string, settings map[int]map[string]string) (g controlGroup, err error) {
	if os.Geteuid() != 0 {
		return g, notPossible("a control group needs root")
	}
	root, version, err := controllerRoot(controller)
	if err != nil {
		return g, err
	}
	g = controlGroup{dir: filepath.Join(root, name), path: "/" + name, version: version}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return g, notPossible("make a control group: %v", err)
	}
	if err := s.trash.Add("rmdir", g.dir); err != nil {
		return g, err
	}
	for file, value := range settings[version] {
		if err := os.WriteFile(filepath.Join(g.dir, file), []byte(value), 0); err != nil {
			return g, notPossible("set %s: %v", file, err)
		}
	}
	return g, nil
}

// controllerRoot finds where a controller is mounted. Both versions may be, and v2 without any controller.
func controllerRoot(controller string) (root string, version int, err error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", 0, err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		switch f[2] {
		case "cgroup":
			if slices.Contains(strings.Split(f[3], ","), controller) {
				return f[1], 1, nil
			}
		case "cgroup2":
			if controller == "blkio" {
				controller = "io"
			}
			enabled, err := os.ReadFile(filepath.Join(f[1], "cgroup.subtree_control"))
			if err == nil && slices.Contains(strings.Fields(string(enabled)), controller) {
				return f[1], 2, nil
			}
		}
	}
	return "", 0, notPossible("no %s controller for control groups", controller)
}

// volume is a small file system of the stage's own.
type volume struct {
	path string
	size uint64 // of what can be written
	kind string
}

// volume makes a file system of about size bytes and mounts it: ext4 on a file, else in memory.
func (s *Stage) volume(ctx context.Context, name string, size int64, inodes int) (v volume, err error) {
	if os.Geteuid() != 0 {
		return v, notPossible("a file system of its own needs root")
	}
	v.path = filepath.Join(pick(s.rand, "/mnt", "/srv", s.Dir), name)
	if err := os.Mkdir(v.path, 0o755); errors.Is(err, fs.ErrNotExist) { // no /srv here
		v.path = filepath.Join(s.Dir, name)
	}
	if err := os.MkdirAll(v.path, 0o755); err != nil {
		return v, err
	}
	if err := s.trash.Add("remove", v.path); err != nil {
		return v, err
	}
	v.kind = "ext4"
	if err := s.loop(ctx, v.path, size, inodes); err != nil {
		v.kind = "tmpfs"
		options := "size=" + strconv.FormatInt(size, 10) + ",mode=777"
		if inodes > 0 {
			options += ",nr_inodes=" + strconv.Itoa(inodes)
		}
		if err := unix.Mount("tmpfs", v.path, "tmpfs", 0, options); err != nil {
			return v, notPossible("mount a file system: %v", err)
		}
	}
	if err := s.trash.Add("umount", v.path); err != nil {
		return v, err
	}
	if err := os.Chmod(v.path, 0o777); err != nil {
		return v, err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(v.path, &st); err != nil {
		return v, err
	}
	v.size = st.Bavail * uint64(st.Bsize)
	s.remark("%s of %d MiB at %s", v.kind, v.size>>20, v.path)
	return v, nil
}

// loop needs mkfs.ext4 and loop devices. The device goes with its mount.
func (s *Stage) loop(ctx context.Context, at string, size int64, inodes int) error {
	image := filepath.Join(s.Dir, filepath.Base(at)+".img")
	f, err := os.Create(image)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return err
	}
	args := []string{"-q", "-F", "-m", "0"}
	if inodes > 0 {
		args = append(args, "-N", strconv.Itoa(inodes))
	}
	for _, c := range []*exec.Cmd{
		exec.CommandContext(ctx, "mkfs.ext4", append(args, image)...),
		exec.CommandContext(ctx, "mount", "-o", "loop", image, at),
	} {
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", c.Path, err, out)
		}
	}
	return nil
}

// blockDevice is the whole disk below a path, as MAJOR:MINOR.
func blockDevice(path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return "", err
	}
	id := fmt.Sprintf("%d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
	dir, err := filepath.EvalSymlinks("/sys/dev/block/" + id)
	if err != nil {
		return "", notPossible("no block device below %s", path)
	}
	if _, err := os.Stat(filepath.Join(dir, "partition")); err == nil {
		whole, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "dev"))
		return strings.TrimSpace(string(whole)), err
	}
	return id, nil
}
