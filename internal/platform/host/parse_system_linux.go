package host

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseSystemStat reads /proc/stat.
func parseSystemStat(text []byte, s *Sample) {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		key := string(f[0])
		switch {
		case key == "cpu":
			s.CPU.Total = cpuTimes(f[1:])
		case strings.HasPrefix(key, "cpu"):
			s.CPU.PerCPU = append(s.CPU.PerCPU, cpuTimes(f[1:]))
		case key == "btime":
			if n := signed(f[1]); n > 0 && n < 1<<40 {
				s.BootedAt = time.Unix(n, 0).UTC()
			}
		case key == "processes":
			s.Forks = signed(f[1])
		case key == "procs_running":
			s.CPU.Running = int(signed(f[1]))
		case key == "procs_blocked":
			s.CPU.Blocked = int(signed(f[1]))
		}
	}
	s.CPU.Count = len(s.CPU.PerCPU)
}

// cpuTimes reads the columns user nice system idle iowait irq softirq steal. What guests used is part of user.
func cpuTimes(f [][]byte) CPUTimes {
	var v [8]float64
	for i := range min(len(f), len(v)) {
		v[i] = float64(number(f[i])) / ticks
	}
	return CPUTimes{User: v[0], Nice: v[1], System: v[2], Idle: v[3], IOWait: v[4], IRQ: v[5] + v[6], Steal: v[7]}
}

func parseFloats(text []byte) (first float64, ok bool) {
	f := bytes.Fields(text)
	if len(f) == 0 {
		return 0, false
	}
	return float(f[0])
}

func float(b []byte) (float64, bool) {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

func parseLoad(text []byte) (load [3]float64) {
	f := bytes.Fields(text)
	for i := range min(len(f), 3) {
		load[i], _ = float(f[i])
	}
	return load
}

// parseKey finds "key number" in a text of such lines.
func parseKey(text []byte, key string) uint64 {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == key {
			return number(f[1])
		}
	}
	return 0
}

func parseFileTable(text []byte) FileTable {
	f := bytes.Fields(text)
	if len(f) < 3 {
		return FileTable{}
	}
	return FileTable{Open: signed(f[0]) - signed(f[1]), Most: signed(f[2])}
}

// parsePressure reads the averages of 10 s of a pressure file.
func parsePressure(text []byte) (some, full *float64) {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		average, ok := bytes.CutPrefix(f[1], []byte("avg10="))
		if !ok {
			continue
		}
		v, ok := float(average)
		if !ok || v < 0 || v > 100 {
			continue
		}
		switch string(f[0]) {
		case "some":
			some = &v
		case "full":
			full = &v
		}
	}
	return some, full
}

func parsePasswd(text []byte) map[int]string {
	users := map[int]string{}
	for line := range bytes.Lines(text) {
		f := bytes.Split(line, []byte{':'})
		if len(f) < 3 || len(f[0]) == 0 {
			continue
		}
		uid, err := strconv.Atoi(string(f[2]))
		if _, ok := users[uid]; err == nil && !ok {
			users[uid] = clean(f[0])
		}
	}
	return users
}

// parseFQDN finds the host's long name as hostname -f does first: in /etc/hosts.
func parseFQDN(hosts []byte, hostname string) string {
	if hostname == "" || strings.Contains(hostname, ".") {
		return hostname
	}
	for line := range bytes.Lines(hosts) {
		line, _, _ = bytes.Cut(line, []byte{'#'})
		f := strings.Fields(string(line))
		own, long := false, ""
		for _, name := range f[min(1, len(f)):] {
			own = own || strings.EqualFold(name, hostname)
			if long == "" && len(name) > len(hostname) && strings.EqualFold(name[:len(hostname)+1], hostname+".") {
				long = name
			}
		}
		if long != "" && own {
			return clean([]byte(long))
		}
	}
	return ""
}

// parseFamily reads the family of distributions from os-release.
func parseFamily(text []byte) string {
	var id, like string
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "ID":
			id = strings.Trim(value, `"'`)
		case "ID_LIKE":
			like = strings.Trim(value, `"'`)
		}
	}
	for _, name := range append(strings.Fields(like), id) {
		switch strings.ToLower(name) {
		case "debian", "ubuntu", "raspbian", "linuxmint":
			return "debian"
		case "rhel", "fedora", "centos", "rocky", "almalinux", "amzn", "ol":
			return "rhel"
		case "suse", "opensuse", "sles", "opensuse-leap", "opensuse-tumbleweed":
			return "suse"
		case "arch", "alpine", "gentoo":
			return strings.ToLower(name)
		}
	}
	return clean([]byte(id))
}
