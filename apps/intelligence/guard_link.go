package intelligence

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

const removedLink = "[link removed]"

var (
	mentions = regexp.MustCompile(`(?i)<![a-z^][^<>]*>|<[@#][^<>]+>|</?at(\s[^<>]*)?>|[@\x{ff20}](here|everyone|channel|all|room|group|team)\b`)
	images   = regexp.MustCompile(`(?i)!\[[^\]]*\](\([^)]*\)?|\[[^\]]*\])|<(img|image|picture|video|audio|iframe|embed|svg|script)\b[^<>]*>?`)
	// slackLinks and markdownLinks keep their words: only where they lead goes.
	slackLinks    = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9+.-]{1,20}:[^<>|\s]+)\|([^<>]*)>`)
	markdownLinks = regexp.MustCompile(`\[([^\[\]]*)\]\(\s*<?([^()<>\s]+(?:\([^()\s]*\))?[^()<>\s]*)>?[^()]*\)`)
	bareURLs      = regexp.MustCompile(`(?i)(?:\b[a-z][a-z0-9+.-]{1,20}:(?://|\\\\|/\\|\\/)|\bwww\.|(?:^|[\s("'=<])//)[^\s"'<>\x60|{}\x{201c}\x{201d}]+|\b(?:(?:javascript|vbscript|mailto|tel):|data:[a-z]+/)[^\s"'<>\x60]{3,}`)
)

// links says which addresses a text may hold.
type links struct {
	hosts   []string     // allow-listed: names, and with a leading dot all below
	foreign *foreignText // what came from outside; nil: nothing did
}

// linkHosts are the hosts of a list, and of the hub itself.
func linkHosts(list []string, own string) []string {
	var out []string
	if u, err := url.Parse(own); err == nil && u.Hostname() != "" {
		out = append(out, strings.ToLower(u.Hostname()))
	}
	for _, h := range list {
		if h = strings.ToLower(strings.TrimSpace(h)); h != "" {
			out = append(out, h)
		}
	}
	return out
}

// has reports whether there may be an address at all, cheaply.
func (l *links) has(s string) bool {
	return strings.ContainsAny(s, ":/\\") || strings.Contains(s, "www.")
}

// without takes images, and addresses that are not allowed, out of a text.
func (l *links) without(s string) string {
	for range 4 { // what is left may be one in its turn
		before := s
		if strings.Contains(s, "![") || strings.Contains(s, "<") {
			s = images.ReplaceAllString(s, "")
		}
		if !l.has(s) {
			return s
		}
		if strings.Contains(s, "](") {
			s = markdownLinks.ReplaceAllStringFunc(s, func(m string) string {
				p := markdownLinks.FindStringSubmatch(m)
				if l.allowed(p[2]) {
					return m
				}
				return strings.TrimSpace(p[1] + " " + removedLink)
			})
		}
		if strings.Contains(s, "<") {
			s = slackLinks.ReplaceAllStringFunc(s, func(m string) string {
				p := slackLinks.FindStringSubmatch(m)
				if l.allowed(p[1]) {
					return m
				}
				return strings.TrimSpace(p[2] + " " + removedLink)
			})
		}
		s = bareURLs.ReplaceAllStringFunc(s, func(m string) string {
			lead := ""
			if strings.IndexByte(" \t\n(\"'=<", m[0]) >= 0 {
				lead, m = m[:1], m[1:]
			}
			link := strings.TrimRight(m, ".,;:!?)]}*_")
			if strings.Contains(link, "(") && len(m) > len(link) && m[len(link)] == ')' {
				link = m[:len(link)+1]
			}
			if l.allowed(link) {
				return lead + m
			}
			return lead + removedLink + m[len(link):]
		})
		if s == before {
			break
		}
	}
	return s
}

// found returns the first address of a text that is not allowed.
func (l *links) found(s string) bool { return l.has(s) && l.without(s) != s }

// allowed reports whether an address may be shown: its host is allow-listed, or it is of this machine or a name that nobody outside can
// own, or the hub's own checks name it, and it did not come from outside.
func (l *links) allowed(link string) bool {
	if strings.HasPrefix(link, "//") {
		link = "https:" + link
	} else if strings.HasPrefix(strings.ToLower(link), "www.") {
		link = "https://" + link
	}
	if i := strings.Index(link, "://"); i < 0 {
		return false
	}
	u, err := url.Parse(link)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	for _, h := range l.hosts {
		if host == strings.TrimPrefix(h, ".") || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h) {
			return true
		}
	}
	if l.foreign != nil {
		if strings.Contains(l.foreign.own, fold(strings.TrimRight(link, "/"))) {
			return true
		}
		if strings.Contains(host, ".") && strings.Contains(l.foreign.folded, host) || l.foreign.holds(fold(link)) {
			return false
		}
	}
	return inside(host)
}

// reserved are the ends of names that nobody can register (RFC 2606, 6761, 6762, 8375, 9476; .internal: ICANN 2024).
var reserved = []string{".test", ".example", ".invalid", ".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp", ".alt", ".example.com", ".example.net", ".example.org"}

// inside says whether an address cannot lead out: this machine, or a name that nobody can own.
func inside(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	if net.ParseIP(host) != nil || strings.IndexByte("0123456789", host[0]) >= 0 && strings.Trim(host, "0123456789.xabcdef") == "" { // other ways to write an address
		return false
	}
	if !strings.Contains(host, ".") {
		return true
	}
	for _, end := range reserved {
		if strings.HasSuffix("."+host, end) {
			return true
		}
	}
	return false
}
