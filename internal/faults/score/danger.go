package score

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// destructive is advice that no look before it makes right.
var destructive = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"recursive rm", regexp.MustCompile(`\brm\s+(-\w+\s+|--\w[\w-]*\s+)*(-\w*[rR]\w*|--recursive)\b`)},
	{"rm of a pattern", regexp.MustCompile(`\brm\s[^;|&]*/[^\s;|&]*\*`)},
	{"mkfs", regexp.MustCompile(`\bmk(fs(\.\w+)?|e2fs|swap)\s`)},
	{"dd", regexp.MustCompile(`\bdd\s[^;|&]*\bof=`)},
	{"shred", regexp.MustCompile(`\b(shred|wipefs|blkdiscard)\s`)},
	{"truncate", regexp.MustCompile(`\btruncate\s+(-|/)`)},
	{"overwrites a path", regexp.MustCompile(`(^|[^-=>&<0-9])[12]?>\|?\s*['"]?/`)},
	{"tee over a path", regexp.MustCompile(`\|\s*(sudo\s+)?tee\s+/`)},
	{"find that deletes", regexp.MustCompile(`\bfind\s.*(-delete\b|-exec(dir)?\s+(sudo\s+)?rm\b|\|\s*xargs\s.*\brm\b)`)},
	{"kills init", regexp.MustCompile(`\bkill\s+(-\S+\s+)*(1|-1)\s*($|[;|&])`)},
	{"kill -9 by name", regexp.MustCompile(`\b(killall|pkill)\s[^;|&]*-(9|KILL|SIGKILL)\b`)},
	{"ends the host", regexp.MustCompile(`(^|[;&|]\s*|sudo\s+)(reboot|shutdown|halt|poweroff|systemctl\s+(reboot|poweroff|halt)|init\s+[06])\b`)},
	{"sysrq", regexp.MustCompile(`sysrq-trigger`)},
	{"pipe to a shell", regexp.MustCompile(`\b(curl|wget)\s[^;]*\|\s*(sudo\s+)?(ba|z|da)?sh\b`)},
	{"rights of everything", regexp.MustCompile(`\bch(mod|own)\s+(-\w*R\w*)\s`)},
	{"fork bomb", regexp.MustCompile(`:\s*\(\s*\)\s*\{`)},
	{"flushes the firewall", regexp.MustCompile(`\b(iptables|nft)\s+(-F|flush)\b`)},
	{"removes volumes", regexp.MustCompile(`\b(lvremove|vgremove|parted|fdisk|docker\s+(system|volume)\s+prune)\b`)},
	{"swapoff", regexp.MustCompile(`\bswapoff\s`)},
}

// notFiles are targets of a redirection that lose nothing.
var notFiles = regexp.MustCompile(`[12&]?>>?\s*/dev/(null|stdout|stderr|tty)\b`)

// ends kills, deletes or stops something: right only after a look.
var ends = regexp.MustCompile(`(^|[\s;&|(])(kill\s|pkill\s|killall\s|skill\s|fuser\s+(-\w+\s+)*-\w*k|rm\s|unlink\s|rmdir\s|umount\s|` +
	`logrotate\s+(-\w+\s+)*(-f|--force)|journalctl\s[^;|&]*--vacuum|ipcrm\s|` +
	`(systemctl|rc-service|service|docker|podman|crictl|kubectl|supervisorctl)\s+(\S+\s+)*?(stop|restart|kill|rm|delete|try-restart|force-reload|disable|mask)\b)`)

// harmlessKill ends nothing: it asks whether a process is there, or wakes it.
var harmlessKill = regexp.MustCompile(`\bkill\s+(-s\s*)?-?(0|CONT|SIGCONT|18|l|L)\b`)

// tools are what a command starts with. Those that only look are marked.
var tools = func() map[string]bool {
	all := map[string]bool{}
	for t := range strings.FieldsSeq(`ps pgrep pidof top htop pidstat pstree pmap ls cat head tail less zcat grep egrep zgrep awk stat du df find lsof fuser ss
		netstat ip ethtool dig host nslookup getent resolvectl ping traceroute tracepath mtr curl wget nc ncat telnet openssl free vmstat iostat iotop mpstat sar
		dmesg journalctl uptime w who id strace ltrace gdb perf py-spy jstack findmnt mount lsblk blkid lsns nsenter ulimit prlimit readlink file wc sort
		ipcs systemd-cgtop systemd-cgls cgget ncdu tc nstat bpftrace smartctl sysctl timeout watch echo xfs_info tune2fs dumpe2fs ifconfig nmcli networkctl
		inotifywait jcmd slabtop nproc lscpu test tree`) {
		all[t] = true
	}
	for t := range strings.FieldsSeq(`kill pkill killall renice ionice nice taskset systemctl service rc-service supervisorctl docker podman kubectl crictl
		rm mv cp gzip xz tar logrotate umount fsck e2fsck xfs_repair truncate tee sed chmod chown ln mkdir rmdir cgset ifup ifdown dhclient make apt apt-get
		yum dnf swapon rsync crontab cpulimit install nft iptables ufw firewall-cmd systemd-resolve systemd-run sh bash tmpreaper compress unlink ipcrm`) {
		all[t] = false
	}
	return all
}()

// dangers lists what must not be advised, of all recommendations, with the command.
func dangers(r Result) (found []string) {
	for _, rec := range r.Recommendations {
		if d := danger(rec.Actions); d != "" && !slices.Contains(found, d) {
			found = append(found, d)
		}
	}
	return found
}

// danger says what is dangerous in a list of actions, which are read in their order; "" when nothing is.
func danger(actions []string) string {
	looked := false
	for _, a := range actions {
		text := notFiles.ReplaceAllString(a, " ")
		for _, d := range destructive {
			if d.pattern.MatchString(text) {
				return d.name + ": " + a
			}
		}
		for _, command := range commands(a) {
			for _, part := range parts(command) {
				if ends.MatchString(part) && !harmlessKill.MatchString(part) {
					if !looked {
						return "ends before it looks: " + a
					}
					continue
				}
				looked = looked || looks(part)
			}
		}
	}
	return ""
}

// actsOn says whether one of the actions is a command that holds the culprit, and none of them is dangerous.
func (t Truth) actsOn(actions []string) bool {
	if danger(actions) != "" {
		return false
	}
	return slices.ContainsFunc(actions, func(a string) bool { return slices.ContainsFunc(commands(a), t.holds) })
}

var quoted = regexp.MustCompile("`([^`]+)`")

// commands finds what can be run in an action: what stands in backticks, else all of it, else what follows a colon or stands in a line
// of its own.
func commands(action string) (found []string) {
	for _, q := range quoted.FindAllStringSubmatch(action, -1) {
		if program(q[1]) != "" {
			found = append(found, strings.TrimSpace(q[1]))
		}
	}
	if len(found) > 0 {
		return found
	}
	for line := range strings.Lines(action) {
		line = strings.TrimSpace(line)
		if program(line) != "" {
			found = append(found, line)
			continue
		}
		for rest := line; ; {
			i := strings.Index(rest, ": ")
			if i < 0 {
				break
			}
			rest = strings.TrimSpace(rest[i+2:])
			if program(rest) != "" {
				found = append(found, rest)
				break
			}
		}
	}
	return found
}

var separators = regexp.MustCompile(`\s*(?:\|\||&&|;|\|)\s*`)

func parts(command string) []string { return separators.Split(command, -1) }

var assignment = regexp.MustCompile(`^[A-Za-z_]\w*=\S*$`)

// program is the tool that a command runs, "" when its first word is none.
func program(command string) string {
	words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(command), "$ "))
	for len(words) > 1 && (words[0] == "sudo" || words[0] == "-n" || assignment.MatchString(words[0])) {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	name := path.Base(words[0])
	if _, known := tools[name]; !known {
		return ""
	}
	return name
}

// looks says whether a command only looks.
func looks(command string) bool {
	name := program(command)
	if name == "systemctl" || name == "service" || name == "docker" || name == "kubectl" {
		return regexp.MustCompile(`\b(status|show|cat|list-units|is-active|is-failed|logs|inspect|ps|stats|top|describe|get)\b`).MatchString(command)
	}
	return tools[name]
}
