package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/incidenthub/incidenthub/internal/platform/fault"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// sort brings the findings into the order of the groups.
func (i *inspection) sort() {
	order := preflight.Groups()
	slices.SortStableFunc(i.found, func(a, b preflight.Check) int {
		return cmp.Compare(slices.Index(order, a.Group), slices.Index(order, b.Group))
	})
}

func (i *inspection) secretKey(context.Context, error) {
	const group, name = "security", "secret_key"
	if !i.cfg.Secrets.Key.IsZero() {
		i.add(group, name, preflight.OK, "The key of stored secrets comes from HUB_SECRET_KEY", "")
		return
	}
	path := i.cfg.Secrets.KeyFile
	if path == "" {
		path = filepath.Join(i.cfg.Storage.DataDir, secret.FileName)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && i.cfg.Secrets.KeyFile == "":
		i.add(group, name, preflight.Info, "There is no key of stored secrets yet: the first start makes "+path, "keep a copy of it apart from the database")
	case err != nil:
		i.add(group, name, preflight.Error, "The key of stored secrets cannot be read: "+err.Error(), "put it there, or unset HUB_SECRET_KEY_FILE")
	case info.Mode().Perm()&0o007 != 0:
		i.add(group, name, preflight.Error, fmt.Sprintf("Everybody on this machine may open %s (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path)
	case info.Mode().Perm()&0o070 != 0:
		i.add(group, name, preflight.Warn, fmt.Sprintf("The group may open %s (mode %04o)", path, info.Mode().Perm()), "chmod 600 "+path)
	default:
		i.add(group, name, preflight.OK, "Only its owner may open "+path, "")
	}
}

// Strength of the admin key: shorter ones, or with fewer different characters, can be guessed.
const (
	leastKey    = 20
	goodKey     = 32
	leastLetter = 8
)

func (i *inspection) adminKey(context.Context, error) {
	const group, name = "security", "admin_key"
	key := i.cfg.Access.AdminKey.Reveal()
	different := map[rune]bool{}
	for _, r := range key {
		different[r] = true
	}
	hint := "set HUB_ADMIN_KEY to what this prints: openssl rand -hex 32"
	switch {
	case key == "":
		i.add(group, name, preflight.OK, "The owner's token is made at the first start and stored hashed", "")
	case len(key) < leastKey || len(different) < leastLetter:
		i.add(group, name, preflight.Error, "HUB_ADMIN_KEY is short or simple: it can be guessed", hint)
	case len(key) < goodKey:
		i.add(group, name, preflight.Warn, fmt.Sprintf("HUB_ADMIN_KEY has %d characters; %d or more are better", len(key), goodKey), hint)
	default:
		i.add(group, name, preflight.OK, "HUB_ADMIN_KEY is long enough", "")
	}
}

// address: who can reach the hub without TLS.
func (i *inspection) address(context.Context, error) {
	const group, name = "security", "listen_address"
	host, _, err := net.SplitHostPort(i.cfg.Server.Listen)
	if err != nil {
		i.add(group, name, preflight.Error, "HUB_LISTEN cannot be read", "write it as 127.0.0.1:8080, or :8080 for all interfaces")
		return
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "localhost" || err == nil && ip.IsLoopback():
		i.add(group, name, preflight.OK, "Only this machine reaches "+i.cfg.Server.Listen, "")
	case strings.HasPrefix(i.cfg.Server.PublicURL, "https://") && len(i.cfg.Server.TrustedProxies) > 0:
		i.add(group, name, preflight.OK, i.cfg.Server.Listen+" is behind a proxy with TLS", "let nobody but the proxy reach it")
	case strings.HasPrefix(i.cfg.Server.PublicURL, "https://"):
		i.add(group, name, preflight.Warn, "The hub has no TLS of its own, and no proxy is trusted, so that all callers look like the proxy", "set HUB_TRUSTED_PROXIES to the proxy's address")
	default:
		i.add(group, name, preflight.Warn, "Others reach "+i.cfg.Server.Listen+" without TLS: keys can be read on the way", "put a proxy with TLS before it and set HUB_PUBLIC_URL and HUB_TRUSTED_PROXIES, or listen on 127.0.0.1")
	}
}

func (i *inspection) dataFolder(context.Context, error) {
	const group, name = "security", "data_folder"
	dir := i.cfg.Storage.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.add(group, name, preflight.Info, "The data folder is not there yet: the first start makes "+dir, "")
	case err != nil:
		i.add(group, name, preflight.Error, "The data folder cannot be looked at: "+err.Error(), "give the hub's user the right to it")
	case !info.IsDir():
		i.add(group, name, preflight.Error, dir+" is no folder", "set HUB_DATA_DIR to a folder")
	case info.Mode().Perm()&0o007 != 0:
		i.add(group, name, preflight.Warn, fmt.Sprintf("Everybody on this machine may look into %s (mode %04o)", dir, info.Mode().Perm()), "chmod 700 "+dir)
	default:
		i.add(group, name, preflight.OK, "Only its owner may look into "+dir, "")
	}
}

func (i *inspection) publicURL(context.Context, error) {
	const group, name = "environment", "public_url"
	u, err := url.Parse(i.cfg.Server.PublicURL)
	switch {
	case i.cfg.Server.PublicURL == "":
		i.add(group, name, preflight.Warn, "HUB_PUBLIC_URL is not set: messages have no links to the hub", "set it to the address at which people reach the hub")
	case err != nil || u.Host == "":
		i.add(group, name, preflight.Error, "HUB_PUBLIC_URL is no address", "write it as https://hub.example.com")
	case u.Scheme == "http":
		i.add(group, name, preflight.Info, "Links in messages lead to "+u.Host+" without TLS", "")
	default:
		i.add(group, name, preflight.OK, "Links in messages lead to "+u.Host, "")
	}
}

// Space that the data folder's file system should have.
const (
	leastFree = 200 << 20
	goodFree  = 1 << 30
)

func (i *inspection) space(context.Context, error) {
	const group, name = "environment", "disk_space"
	dir := i.cfg.Storage.DataDir
	for { // the folder may be still to come
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Blocks == 0 {
		i.add(group, name, preflight.Warn, "The space of the data folder cannot be read", "")
		return
	}
	free, share := st.Bavail*uint64(st.Bsize), 100*float64(st.Bavail)/float64(st.Blocks)
	text := fmt.Sprintf("%.1f GiB (%.0f %%) are free where the data folder is", float64(free)/(1<<30), share)
	switch {
	case free < leastFree:
		i.add(group, name, preflight.Error, text, "make room: a full disk stops the hub")
	case free < goodFree || share < 5:
		i.add(group, name, preflight.Warn, text, "make room, or keep things for a shorter time (HUB_KEEP_DAYS)")
	default:
		i.add(group, name, preflight.OK, text, "")
	}
}

// ready reports whether there are tables to ask.
func (i *inspection) ready(ctx context.Context) bool {
	if i.db == nil {
		return false
	}
	current, wanted, err := i.db.Versions(ctx)
	return err == nil && current == wanted
}

func (i *inspection) pipelines(ctx context.Context, _ error) {
	const group, name = "pipeline", "active_definition"
	if !i.ready(ctx) {
		i.add(group, name, preflight.Info, "There is no database of this release to look into", "")
		return
	}
	var names []string
	err := i.db.Read(ctx).Raw("SELECT name FROM definitions WHERE tenant_id = ? AND is_active AND deleted_at IS NULL ORDER BY name", tenant).Scan(&names).Error
	switch {
	case err != nil:
		i.add(group, name, preflight.Error, "The pipelines cannot be read: "+fault.Public(err), "")
	case len(names) == 0:
		i.add(group, name, preflight.Warn, "No pipeline is active: alerts are kept, but nobody is told", "make one active on the page of pipelines")
	default:
		i.add(group, name, preflight.OK, "Active: "+strings.Join(names[:min(len(names), 10)], ", "), "")
	}
}

// cronFiles are where schedules of checks are, below the root.
var cronFiles = []string{"etc/crontab", "etc/cron.d/*", "var/spool/cron/crontabs/*", "var/spool/cron/*", "etc/systemd/system/*.service", "usr/lib/systemd/system/incidenthub*.service", "lib/systemd/system/incidenthub*.service"}

// crontab looks for lines that call the hub's checks, and whether what they call is there.
func (i *inspection) crontab(context.Context, error) {
	const group, name = "crontab", "check_health"
	found, unread := 0, 0
	for _, pattern := range cronFiles {
		files, _ := filepath.Glob(filepath.Join(i.root, pattern)) // the patterns are well formed
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil || info.IsDir() || info.Size() > 1<<20 {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				unread++
				continue
			}
			for line := range strings.SplitSeq(string(raw), "\n") {
				line = strings.TrimSpace(line)
				if strings.HasPrefix(line, "#") || !strings.Contains(line, "check-health") && !strings.Contains(line, "run-check") {
					continue
				}
				found++
				i.cronLine(group, name, file, line)
			}
		}
	}
	if found > 0 {
		return
	}
	text := "No crontab or timer calls check-health"
	if unread > 0 {
		text += fmt.Sprintf("; %d files may not be read", unread)
	}
	i.add(group, name, preflight.Info, text, "not needed: the pipelines local-monitor and local-smart have schedules of their own")
}

func (i *inspection) cronLine(group, name, file, line string) {
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '=' || r == '"' || r == '\'' }) {
		if !strings.HasPrefix(word, "/") || !strings.HasSuffix(word, "incidenthub") {
			continue
		}
		info, err := os.Stat(filepath.Join(i.root, word))
		if err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			i.add(group, name, preflight.Error, fmt.Sprintf("%s calls %s, which is no program", file, word), "correct the path")
			return
		}
	}
	i.add(group, name, preflight.OK, file+" calls the hub's checks", "")
}
