package local

import (
	"fmt"
	"path"
	"strings"
)

// looks are commands that only look at a process, the most telling first.
func (p *proc) looks(more ...string) []string {
	out := []string{fmt.Sprintf("ps -o pid,ppid,user,stat,etime,pcpu,rss,nlwp,args -p %d", p.PID)}
	out = append(out, more...)
	if u := unit(p.Cgroup); u != "" {
		return append(out, fmt.Sprintf("systemctl status %s --no-pager; journalctl -u %s --since -15min --no-pager | tail -50", quote(u), quote(u)))
	}
	return append(out, fmt.Sprintf("journalctl _PID=%d --since -15min --no-pager | tail -50", p.PID))
}

// unit is the systemd unit of a control group, or "".
func unit(cgroup string) string {
	for s := cgroup; s != "" && s != "/" && s != "."; s = path.Dir(s) {
		if u := path.Base(s); strings.HasSuffix(u, ".service") || strings.HasSuffix(u, ".scope") && strings.HasPrefix(u, "docker-") {
			return clean(u, 120)
		}
	}
	return ""
}

// remedy is the last action: what to do once the looks have confirmed it. It is a sentence, not a command: whoever acts has to decide.
func (p *proc) remedy(what string) string {
	if u := unit(p.Cgroup); u != "" {
		return fmt.Sprintf("Once that is confirmed: %s, through its unit %s", what, u)
	}
	return fmt.Sprintf("Once that is confirmed: %s, through whatever started it (pid %d)", what, p.PPID)
}
