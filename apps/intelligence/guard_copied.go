package intelligence

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	whyCopied  = "it stands word for word in the alert"
	whyAddress = "it leads to a host that is not allow-listed"
)

// Commands by what their first word is. Looking ones change nothing; words of these that are English too need a sign of a command beside
// them.
var (
	lookingTools = nameSet(`ps top htop df du ls cat head tail journalctl ss netstat free uptime dmesg vmstat iostat iotop lsof ip ping dig host nslookup getent
		stat find grep awk pidstat sar mpstat who w id env printenv lsblk findmnt mount lscpu nproc pgrep pidof pstree pmap strace`)
	changingTools = nameSet(`systemctl service apt apt-get aptitude dpkg add-apt-repository yum dnf rpm zypper pacman apk snap brew pip pip3 npm yarn gem cargo go curl wget nc ncat
		bash sh zsh python python3 perl ruby node php rm mv cp dd kill pkill killall chmod chown chattr iptables nft ufw firewall-cmd docker podman kubectl helm oc
		crictl terraform ansible ansible-playbook ssh scp rsync sftp mysql psql redis-cli mongo mongosh useradd usermod userdel passwd visudo crontab at
		sysctl modprobe rmmod insmod reboot shutdown halt poweroff init umount swapoff swapon truncate tee sed git svn make gcc echo printf base64 openssl
		setenforce semanage auditctl aws gcloud az nginx apachectl supervisorctl telnet socat nohup sudo doas su eval exec source export unset ln mkdir touch`)
	english = nameSet(`top host find free who w id stat at make go node service mount kill init source export echo head tail cat sed exec halt reboot shutdown go time
		ip ping touch su tee passwd apt gem snap brew yarn helm apk env`)
	numbered = regexp.MustCompile(`^(\d+[.)]|[-*•])$`)
)

var verbs = []string{"stop", "start", "restart", "reload", "install", "remove", "purge", "disable", "delete", "mask"}

func nameSet(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// copied finds the commands and addresses of a text that stand word for word in what came from outside and are not ours.
func (f *foreignText) copied(text string) []danger {
	words := splitWords(text)
	var out []danger
	for i := 0; i < len(words); i++ {
		w := words[i].s
		if isAddress(w) && !strings.Contains(w, "://") && f.places[w] != nil && !strings.Contains(f.own, w) {
			out = append(out, danger{words[i].from, words[i].to, whyCopied})
			continue
		}
		if !startsCommand(w) && (i+1 == len(words) || !isFlag(words[i+1].s)) {
			continue
		}
		row := make([]string, 0, 32)
		for _, next := range words[i:min(len(words), i+60)] {
			row = append(row, next.s)
		}
		n := f.run(row)
		if n == 0 || !f.isCommand(row, n, words[i+n-1].last || i+n == len(words)) {
			continue
		}
		from := i
		if i > 0 && (words[i-1].s == "sudo" || words[i-1].s == "doas") {
			from--
		}
		out = append(out, danger{words[from].from, words[i+n-1].to, whyCopied})
		i += n - 1
	}
	return out
}

// isCommand says whether the first n words, which stand in foreign text, are a command: all of it, or enough of one that changes something.
func (f *foreignText) isCommand(row []string, n int, whole bool) bool {
	first, all := row[0], strings.Join(row[:n], " ")
	if len(all) < leastForeign || strings.Contains(f.own, all) {
		return false
	}
	marked, verb := false, false // it has what only commands have; it has what sentences may have too
	for _, w := range row[1:n] {
		marked = marked || isFlag(w) || strings.ContainsAny(w, "/|=$<>&;:@")
		verb = verb || strings.Trim(w, "0123456789") == "" || slices.Contains(verbs, w)
	}
	switch {
	case isScript(first):
		return n > 1 || strings.HasSuffix(first, ".sh") || strings.HasSuffix(first, ".py") || strings.HasSuffix(first, ".pl")
	case english[first] && !marked && !verb:
		return false
	case lookingTools[first]:
		return whole && n > 1
	case changingTools[first]:
		return n > 1 && (whole || n > 2 || marked)
	default: // a tool that nobody knows, with an option behind it
		return n > 1 && isFlag(row[1])
	}
}

func startsCommand(w string) bool { return lookingTools[w] || changingTools[w] || isScript(w) }

func isScript(w string) bool {
	return strings.HasPrefix(w, "./") || strings.HasPrefix(w, "/") && (strings.HasSuffix(w, ".sh") || strings.HasSuffix(w, ".py") || strings.HasSuffix(w, ".pl") || strings.Contains(w, "/bin/"))
}

func isFlag(w string) bool {
	name := strings.TrimLeft(w, "-")
	return len(name) < len(w) && name != "" && name[0] >= 'a' && name[0] <= 'z'
}

// textWord is a word of a sentence: small, without what is around it.
type textWord struct {
	s        string
	from, to int
	last     bool // a sentence or a command ends behind it
}

func splitWords(text string) []textWord {
	var out []textWord
	for at := 0; at < len(text); {
		n := strings.IndexFunc(text[at:], unicode.IsSpace)
		if n < 0 {
			n = len(text) - at
		}
		raw := text[at : at+n]
		if s := trimWord(strings.ToLower(ascii(raw))); s != "" && !numbered.MatchString(raw) {
			from := at
			if i := strings.IndexFunc(raw, func(r rune) bool { return !strings.ContainsRune("\"'`([{<*_>", r) }); i > 0 {
				from += i
			}
			trimmed := strings.TrimRight(raw, "\"'`)]}>*_,;:!?.")
			w := textWord{s: s, from: from, to: at + max(len(trimmed), from-at)}
			w.last = len(trimmed) < len(raw) && strings.ContainsAny(raw[len(trimmed):], "`;.\"'")
			out = append(out, w)
		} else if len(out) > 0 && (raw == "|" || raw == "&&" || raw == ";" || raw == "||" || raw == ">") {
			out[len(out)-1].last = true
		}
		at += n
		for at < len(text) && strings.IndexFunc(text[at:], unicode.IsSpace) == 0 {
			if text[at] == '\n' && len(out) > 0 {
				out[len(out)-1].last = true
			}
			_, size := utf8.DecodeRuneInString(text[at:])
			at += size
		}
	}
	return out
}
