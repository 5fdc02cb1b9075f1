package host

import (
	"fmt"
	"slices"
	"strings"
)

// kind is what a find belongs to; it decides what is recommended.
type kind string

const (
	kindLogs       kind = "logs"
	kindCache      kind = "cache"
	kindTemp       kind = "temp"
	kindHome       kind = "home"
	kindApt        kind = "apt"
	kindDnf        kind = "dnf"
	kindYum        kind = "yum"
	kindPacman     kind = "pacman"
	kindZypper     kind = "zypper"
	kindJournal    kind = "journal"
	kindDocker     kind = "docker"
	kindContainerd kind = "containerd"
	kindPodman     kind = "podman"
	kindSnap       kind = "snap"
	kindServed     kind = "served"
	kindXcode      kind = "xcode"
	kindDownloads  kind = "downloads"
)

// adviceTexts say what can be done. Commands look before they delete, or delete only what a program makes again by itself.
var adviceTexts = map[kind]string{
	kindLogs:       "Rotate and compress the logs, and see what writes so much: sudo logrotate -f /etc/logrotate.conf",
	kindCache:      "Programs make caches again: delete those that are not needed, the largest first",
	kindTemp:       "Look at the old temporary files, then put -delete for -print: find /tmp /var/tmp -xdev -type f -mtime +7 -size +1M -print",
	kindHome:       "Move or delete large files at home that nobody needs",
	kindApt:        "Empty apt's cache: sudo apt-get clean",
	kindDnf:        "Empty dnf's cache: sudo dnf clean all",
	kindYum:        "Empty yum's cache: sudo yum clean all",
	kindPacman:     "Keep the last version of each package only: sudo paccache -rk1",
	kindZypper:     "Empty zypper's cache: sudo zypper clean --all",
	kindJournal:    "Shorten the journal, and set SystemMaxUse in /etc/systemd/journald.conf: sudo journalctl --vacuum-size=500M",
	kindDocker:     "See what images, containers and volumes take (docker system df), then remove what is unused: docker system prune",
	kindContainerd: "Remove images that no container uses: sudo crictl rmi --prune",
	kindPodman:     "See what images and containers take (podman system df), then remove what is unused: podman system prune",
	kindSnap:       "Keep two revisions of each snap: sudo snap set system refresh.retain=2",
	kindServed:     "Move or delete large files in /srv and /opt that nobody needs",
	kindXcode:      "Xcode makes derived data again: delete ~/Library/Developer/Xcode/DerivedData",
	kindDownloads:  "Delete downloads of more than 30 days that nobody needs",
}

// advice recommends something for each kind that was found, the one that frees the most first. finds are sorted by size.
func advice(finds []find, os string) []string {
	type group struct {
		kind    kind
		largest find
		size    uint64
		n       int
	}
	var groups []*group
	for _, f := range finds {
		k := f.kind
		if f.kind == kindLogs && strings.HasSuffix(f.path, "/journal") {
			k = kindJournal
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.kind == k })
		if i < 0 {
			i, groups = len(groups), append(groups, &group{kind: k, largest: f})
		}
		groups[i].size += f.size
		groups[i].n++
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		if a.size > b.size {
			return -1
		}
		if a.size < b.size {
			return 1
		}
		return 0
	})
	out := []string{}
	for _, g := range groups {
		text := adviceTexts[g.kind]
		if os == "darwin" {
			text = strings.NewReplacer(": sudo logrotate -f /etc/logrotate.conf", "", "/tmp /var/tmp", "/private/tmp /private/var/tmp").Replace(text)
		}
		what := g.largest.path
		if g.n > 1 {
			what = fmt.Sprintf("%d items, the largest %s with %s", g.n, g.largest.path, size(g.largest.size))
		}
		out = append(out, fmt.Sprintf("%s (%s: %s)", text, size(g.size), what))
	}
	return out
}
