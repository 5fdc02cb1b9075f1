package local

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// blockTypes are file systems that are meant to be written.
var blockTypes = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "bcachefs", "zfs", "ntfs", "ntfs3", "vfat", "exfat", "nilfs2"}

// sealed are places that are read-only on purpose on some systems.
var sealed = []string{"/usr", "/boot", "/efi", "/snap", "/var/lib/snapd", "/sysroot", "/ostree", "/nix", "/media", "/cdrom", "/mnt/cdrom", "/run/media", "/lib/modules"}

// diskReadOnly finds file systems that are mounted read-only and should not be: fstab wants them written, the kernel has switched them over
// after an error, or they were written before. Bind mounts and images are read-only by nature.
func diskReadOnly(ctx context.Context, l *look) []finding {
	var found []finding
	var fstab, info []byte
	for i := range l.b.Mounts {
		m := &l.b.Mounts[i]
		if !m.ReadOnly || !slices.Contains(blockTypes, m.Type) {
			continue
		}
		if fstab == nil {
			fstab, _ = l.probe.Read(ctx, "/etc/fstab")
			info, _ = l.probe.Read(ctx, "/proc/self/mountinfo")
			fstab = append(fstab, '\n')
		}
		super := superOptions(string(info), m.Path)
		if hasOption(super, "rw") && !hasOption(super, "ro") { // a read-only view of something that can be written
			continue
		}
		if x, ok := readOnlyFinding(ctx, l, m, string(fstab), super); ok {
			found = append(found, x)
		}
	}
	return found
}

func readOnlyFinding(ctx context.Context, l *look, m *host.Mount, fstab, super string) (finding, bool) {
	x := finding{
		class: "read_only", kind: providers.Disk, score: suspect, share: .5, sure: .6,
		culprit: mountCulprit(m),
		about:   []string{"read only", "readonly", "ro", "remount", "remounted", "write", "writes", "erofs", "mount"},
		details: map[string]any{"mount": shown(m.Path), "device": clean(m.Device, 200), "type": m.Type, "options": clean(m.Options, 300)},
	}
	options, listed := fstabOptions(fstab, m)
	var why string
	switch errs := kernelErrors(ctx, l, m); {
	case listed && hasOption(options, "ro"), hasOption(m.Options, "x-initrd.mount") && under(m.Path, "/sysroot"):
		return finding{}, false
	case errs > 0:
		x.score, x.sure = failing-1, .95
		why = fmt.Sprintf("The kernel has counted %s on it.", count(errs, "error"))
	case hasOption(m.Options+","+super, "emergency_ro") || hasOption(m.Options+","+super, "shutdown"):
		x.score, x.sure = failing-1, .95
		why = "Its options show that the kernel has shut it down after an error."
	case listed:
		x.score, x.sure = hurting+10, .95
		why = "fstab wants it writable."
	case written(ctx, l, m):
		x.score, x.sure = hurting+3, .9
		why = "It was written since it was mounted, so somebody or an error has switched it over."
	case slices.ContainsFunc(sealed, func(s string) bool { return under(m.Path, s) }):
		return finding{}, false // meant so
	case deviceReadOnly(ctx, l, m):
		x.score, x.sure = abnormal-10, .5
		why = "The device below it is read-only too, so it may be meant so; fstab does not list it."
	default:
		x.score = abnormal
		why = "Nothing shows that it is meant so: fstab does not list it."
	}
	x.title = "Read-only file system: " + clean(m.Path, 120)
	x.description = fmt.Sprintf("%s (%s on %s) is mounted read-only, so every write there fails. %s", clean(m.Path, 160), m.Type, clean(m.Device, 120), why)
	x.actions = []string{
		"findmnt " + quote(m.Path) + "; grep -F " + quote(" "+m.Path+" ") + " /proc/mounts /etc/fstab",
		"dmesg -T | grep -iE 'ext4|xfs|btrfs|remount|i/o error' | tail -30",
		"smartctl -H " + quote(m.Device) + "; fsck -n " + quote(m.Device),
		"Only when the disk is sound: mount -o remount,rw " + quote(m.Path),
	}
	return x, true
}

// superOptions are the options of the file system itself, not of this one mount, by /proc/self/mountinfo; "" when it is not there.
func superOptions(info, mount string) string {
	var out string
	for line := range strings.Lines(info) {
		f := strings.Fields(line)
		i := slices.Index(f, "-")
		if len(f) > 5 && i > 0 && len(f) > i+3 && unescape(f[4]) == mount {
			out = f[i+3] // the last one is on top
		}
	}
	return out
}

// unescape undoes what the kernel does to blanks in mount tables.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func hasOption(list, option string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(s string) bool { return strings.TrimSpace(s) == option })
}

// fstabOptions are the options that fstab has for a mount.
func fstabOptions(fstab string, m *host.Mount) (options string, listed bool) {
	for line := range strings.Lines(fstab) {
		f := strings.Fields(line)
		if len(f) < 4 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if p := unescape(f[1]); p == m.Path || p != "/" && strings.TrimRight(p, "/") == m.Path {
			return f[3], true
		}
	}
	return "", false
}

// kernelErrors are the errors that ext4 has counted.
func kernelErrors(ctx context.Context, l *look, m *host.Mount) int {
	return sysNumber(ctx, l, "/sys/fs/ext4/"+path.Base(m.Device)+"/errors_count", m)
}

// written reports whether ext4 has written to it since it was mounted: more than a mount does by itself.
func written(ctx context.Context, l *look, m *host.Mount) bool {
	return sysNumber(ctx, l, "/sys/fs/ext4/"+path.Base(m.Device)+"/session_write_kbytes", m) > 64
}

func sysNumber(ctx context.Context, l *look, file string, m *host.Mount) int {
	if !strings.HasPrefix(m.Device, "/dev/") || !strings.HasPrefix(m.Type, "ext") {
		return 0
	}
	b, err := l.probe.Read(ctx, file)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

func deviceReadOnly(ctx context.Context, l *look, m *host.Mount) bool {
	if !strings.HasPrefix(m.Device, "/dev/") {
		return false
	}
	b, err := l.probe.Read(ctx, "/sys/class/block/"+path.Base(m.Device)+"/ro")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}
