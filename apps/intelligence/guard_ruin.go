package intelligence

import (
	"slices"
	"strings"
)

// What commands are called.
var (
	shells       = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "tcsh", "fish", "rbash", "mksh"}
	interpreters = []string{"python", "python2", "python3", "perl", "ruby", "node", "nodejs", "php", "lua", "deno", "tclsh", "pwsh", "powershell", "powershell.exe"}
	fetchers     = []string{"curl", "wget", "fetch", "aria2c", "base64", "base32", "xxd", "openssl", "nc", "ncat", "gunzip", "zcat", "echo", "printf", "cat", "iwr", "irm", "invoke-webrequest"}
	downloads    = []string{"curl", "wget", "fetch", "aria2c", "base64", "base32", "xxd", "openssl", "nc", "ncat"}
	prefixes     = []string{"sudo", "doas", "env", "nohup", "exec", "command", "time", "nice", "ionice", "busybox", "xargs", "stdbuf", "setsid", "timeout", "su", "chroot", "parallel"}
	vital        = []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/fstab", "/proc/sysrq-trigger"}
	systemTops   = []string{"bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var", "mnt", "media"}
	harmlessDevs = []string{"null", "zero", "stdout", "stderr", "tty", "full", "fd"}
)

// Why something is not proposed.
const (
	whyRecursive = "recursive rm on an absolute path"
	whyDevice    = "it writes to a device"
	whyShell     = "a pipe to a shell"
	whyDownload  = "a download given to a shell"
	whyData      = "it deletes data for good"
	whyRights    = "it changes the rights of everything"
	whyAll       = "it ends every process"
	whyInit      = "it ends process 1"
	whyFS        = "it makes a new file system"
	whyBomb      = "a fork bomb"
	whyCode      = "code that deletes or starts commands"
	whyVital     = "it overwrites what the system needs"
)

// ruin says why the command that word i calls must not be proposed, and how many words behind it belong to that; "" when there is nothing.
// Code are the places in the text of what programs do to delete or to start something.
func ruin(words []shellWord, i int, code [][]int) (n int, why string) {
	name := words[i].name()
	args := segment(words, i)
	switch {
	case name == "rm":
		return ruinRm(words, i, args)
	case name == "find":
		return ruinFind(args)
	case name == "mkfs" || strings.HasPrefix(name, "mkfs."):
		return plainArgs(args), whyFS
	case name == "dd":
		return argOf(args, whyDevice, func(a string) bool { return strings.HasPrefix(a, "of=") && isDevice(a[3:]) })
	case name == "kill":
		return ruinKill(words, i, args)
	case name == "killall5":
		return len(args), whyAll
	case name == "pkill" || name == "killall":
		return argOf(args, whyInit, func(a string) bool {
			return a == "." || a == ".*" || a == "systemd" || a == "init" || a == "-uroot" || a == "root"
		})
	case name == "chmod" || name == "chown" || name == "chgrp":
		return ruinRights(name, args)
	case name == "shred" || name == "blkdiscard" || name == "lvremove" || name == "vgremove" || name == "pvremove" || name == "dropdb":
		if len(args) > 0 && (strings.HasPrefix(args[0].s, "-") || strings.ContainsAny(args[0].s, "/_") || name == "dropdb" || strings.HasSuffix(name, "remove") && len(name) > 7) {
			return len(args), whyData
		}
	case slices.Contains(shells, name) || name == "eval" || name == "source" || words[i].s == ".":
		return fed(words, i, name)
	case isInterpreter(name):
		return ruinCode(words, i, code)
	case name == "iex" || name == "invoke-expression":
		return len(args), whyDownload
	case name == "mv":
		return argOf(args, whyVital, func(a string) bool { return a == "/dev/null" || a == "/" || a == "/*" })
	case name == "cp" || name == "tee" || name == "truncate":
		return argOf(args, whyVital, func(a string) bool { return isDevice(a) || name != "cp" && slices.Contains(vital, a) })
	}
	return ruinTool(name, args)
}

// tools that destroy with one of these words.
var ruinWords = map[string][]string{
	"wipefs": {"-a", "--all", "-af", "-fa"}, "mke2fs": {"/dev/"}, "mkswap": {"/dev/"}, "sgdisk": {"-z", "--zap", "-o", "--clear", "-d"}, "parted": {"mklabel", "mktable", "rm", "mkpart"},
	"sfdisk": {"--delete", "--wipe"}, "hdparm": {"--security-erase", "--trim-sector"}, "nvme": {"format", "sanitize"}, "cryptsetup": {"luksformat", "lukserase", "erase"},
	"zpool": {"destroy", "labelclear"}, "zfs": {"destroy"}, "mdadm": {"--zero-superblock"}, "crontab": {"-r"}, "terraform": {"destroy"}, "tofu": {"destroy"},
	"redis-cli": {"flushall", "flushdb"}, "mysqladmin": {"drop"}, "vssadmin": {"delete"}, "format": {"c:", "d:"}, "format.com": {"c:", "d:"}, "diskpart": {"clean"},
	"rd": {"/s"}, "rmdir": {"/s"}, "del": {"/s"}, "remove-item": {"-recurse", "-r"}, "ri": {"-recurse"},
}

// ruinPairs destroy with two words in a row, or one after the other.
var ruinPairs = map[string][][2]string{
	"docker": {{"volume", "rm"}, {"volume", "prune"}, {"prune", "--volumes"}}, "podman": {{"volume", "rm"}, {"volume", "prune"}, {"prune", "--volumes"}},
	"kubectl": {{"delete", "ns"}, {"delete", "namespace"}, {"delete", "pv"}, {"delete", "pvc"}, {"delete", "persistentvolume"}, {"delete", "node"}, {"delete", "crd"}, {"delete", "--all"}},
	"oc":      {{"delete", "project"}, {"delete", "--all"}}, "btrfs": {{"subvolume", "delete"}}, "aws": {{"rm", "--recursive"}, {"s3", "rb"}, {"ec2", "terminate-instances"}, {"rds", "delete-db"}},
	"gsutil": {{"rm", "-r"}, {"-m", "rm"}}, "gcloud": {{"instances", "delete"}, {"sql", "delete"}}, "curl": {{"-x", "delete"}, {"--request", "delete"}, {"-xdelete", ""}},
	"etcdctl": {{"del", "--prefix"}}, "git": {{"clean", "-fdx"}},
}

func ruinTool(name string, args []shellWord) (int, string) {
	for i, a := range args {
		low := strings.ToLower(a.s)
		for _, w := range ruinWords[name] {
			if strings.HasPrefix(low, w) {
				return i + 1, whyData
			}
		}
		for _, pair := range ruinPairs[name] {
			if low != pair[0] {
				continue
			}
			for j := i; j < len(args); j++ {
				if pair[1] == "" || j > i && strings.HasPrefix(strings.ToLower(args[j].s), pair[1]) {
					return j + 1, whyData
				}
			}
		}
	}
	return 0, ""
}

// argOf looks for an argument.
func argOf(args []shellWord, why string, is func(string) bool) (int, string) {
	for i, a := range args {
		if is(strings.TrimRight(a.s, ",;")) || is(trimWord(a.s)) {
			return i + 1, why
		}
	}
	return 0, ""
}

// plainArgs is how many of the arguments are options and paths.
func plainArgs(args []shellWord) int {
	n := 0
	for n < len(args) && strings.ContainsAny(args[n].s[:1], "-/") {
		n++
	}
	return n
}

// option says whether a word is a short option with one of these letters, or a long one that begins so.
func option(w, letters, long string) bool {
	if strings.HasPrefix(w, "--") {
		name, _, _ := strings.Cut(w, "=")
		return len(name) > 3 && strings.HasPrefix("--"+long, name)
	}
	return len(w) > 1 && w[0] == '-' && strings.ContainsAny(w[1:], letters) && strings.Trim(w[1:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// broad says whether a path names more than one place below where somebody happens to be.
func broad(p string) bool {
	p = strings.TrimRight(p, ",;:!?")
	switch {
	case p == "":
		return false
	case p[0] == '/' || p[0] == '~' || p[0] == '$' || p[0] == '*' || p == "." || p == "./" || strings.HasPrefix(p, "..") || strings.HasPrefix(p, "./*") || p == "{}":
		return true
	}
	return len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
}

func ruinRm(words []shellWord, i int, args []shellWord) (int, string) {
	recursive, last, end, options := false, -1, 0, true
	for j, a := range args {
		switch {
		case options && a.s == "--":
			options = false
		case options && strings.HasPrefix(a.s, "-") && len(a.s) > 1:
			if option(a.s, "rR", "recursive") {
				recursive, end = true, j+1
			}
		case broad(a.s):
			last, end = j, j+1
		}
	}
	for end < len(args) && strings.HasPrefix(args[end].s, "-") {
		end++
	}
	vitally := slices.ContainsFunc(args, func(a shellWord) bool {
		return a.s == "/*" || slices.Contains(vital, a.s) || strings.HasPrefix(a.s, "/boot/*") || isDevice(a.s)
	})
	// What a command hands over to it, or what stands behind an expansion.
	handed := i > 0 && slices.ContainsFunc(words[max(0, i-6):i], func(w shellWord) bool { return w.name() == "xargs" || w.s == "-exec" || w.s == "-execdir" })
	if last < 0 && recursive && len(args) < len(words)-i-1 { // rm -rf $(…), rm -rf `…`
		next := words[i+1+len(args)]
		handed = handed || next.op && (next.s == "`" || next.s == "(")
	}
	if recursive && (last >= 0 || handed) || vitally {
		if end == 0 {
			end = len(args)
		}
		return end, whyRecursive
	}
	return 0, ""
}

func ruinFind(args []shellWord) (int, string) {
	from, limited, deletes := false, false, -1
	for j, a := range args {
		switch {
		case j < 3 && broad(a.s) && !strings.HasPrefix(a.s, "."):
			from = true
		case slices.Contains([]string{"-name", "-iname", "-mtime", "-mmin", "-size", "-newer", "-older", "-user", "-path", "-regex", "-ctime", "-atime", "-empty", "-inum", "-links"}, a.s):
			limited = true
		case a.s == "-delete" || a.name() == "rm" && j > 0 && strings.HasPrefix(args[j-1].s, "-exec") || a.name() == "shred":
			deletes = j
		}
	}
	if from && deletes >= 0 && !limited {
		return deletes + 1, whyRecursive
	}
	return 0, ""
}

func ruinKill(words []shellWord, i int, args []shellWord) (int, string) {
	signal, harmless := false, false
	for j := 0; j < len(args) && !strings.HasPrefix(args[j].s, "$"); j++ {
		a := trimWord(args[j].s)
		switch {
		case a == "-s" || a == "-n" || a == "--signal":
			signal = true
			j++
			harmless = j < len(args) && isHarmlessSignal(args[j].s)
		case a == "--":
			signal = true
		case a == "-1" && (signal || j > 0):
			return j + 1, whyAll
		case strings.HasPrefix(a, "-"):
			signal, harmless = true, isHarmlessSignal(strings.TrimPrefix(a, "-"))
		case a == "1" && !harmless:
			return j + 1, whyInit
		case strings.Trim(a, "0123456789") != "":
			return 0, ""
		}
	}
	// kill -9 $(pidof systemd)
	for j := i + 1 + len(args); j < len(words) && j < i+len(args)+8; j++ {
		if n := words[j].name(); n == "pidof" || n == "pgrep" {
			rest := segment(words, j)
			if len(rest) > 0 && (rest[len(rest)-1].name() == "systemd" || rest[len(rest)-1].name() == "init") {
				return j + len(rest) - i, whyInit
			}
		}
	}
	return 0, ""
}

func isHarmlessSignal(s string) bool {
	return slices.Contains([]string{"0", "CONT", "SIGCONT", "18", "l", "L"}, s)
}

func ruinRights(name string, args []shellWord) (int, string) {
	recursive, wide, mode := false, false, name != "chmod"
	for j, a := range args {
		s := strings.TrimRight(a.s, ",;:!?")
		switch {
		case strings.HasPrefix(s, "-") && (option(s, "R", "recursive") || strings.HasPrefix(s, "--r")):
			recursive = true
		case !mode && !strings.HasPrefix(s, "-") && !strings.HasPrefix(s, "/"):
			mode = true
			octal := strings.TrimLeft(s, "0")
			wide = octal == "777" || octal == "666" || octal == "" || strings.HasSuffix(s, "a+rwx") || strings.HasSuffix(s, "a+w") || strings.HasSuffix(s, "o+w") || strings.HasPrefix(s, "ugo+") || s == "+w" || s == "a-rwx" || s == "-r"
		case broad(s):
			top := strings.TrimSuffix(strings.Trim(s, "/"), "/*")
			whole := s == "/" || s == "/*" || s == "/." || s[0] == '~' && len(s) < 3 || s[0] == '$' || strings.HasPrefix(s, "/") && slices.Contains(systemTops, top)
			if recursive && (whole || wide && s[0] == '/') || wide && (s == "/" || slices.Contains(vital, s)) {
				return j + 1, whyRights
			}
		}
	}
	return 0, ""
}

// isDevice says whether a path is a device that holds data.
func isDevice(p string) bool {
	rest, ok := strings.CutPrefix(strings.TrimRight(p, ",;:!?"), "/dev/")
	if !ok || rest == "" {
		return false
	}
	first, _, _ := strings.Cut(rest, "/")
	return !slices.Contains(harmlessDevs, first)
}
