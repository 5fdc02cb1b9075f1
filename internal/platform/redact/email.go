package redact

import "strings"

const kindEmail = "email"

var (
	localPart = bytesOf("azAZ09__--..++''\x80\xff")
	domain    = bytesOf("azAZ09--..\x80\xff")
)

// units are how names of systemd end that look like addresses, as getty@tty1.service.
var units = map[string]bool{
	"service": true, "socket": true, "timer": true, "mount": true, "slice": true, "target": true, "scope": true, "device": true, "path": true,
	"swap": true, "automount": true,
}

// email takes an address out of which the @ stands at i, size bytes long, and returns where to go on; 0 for none.
func (sc *scanner) email(i, size int) int {
	if !sc.emails {
		return 0
	}
	s := sc.s
	const longest = 64
	from := i
	for from > sc.done && i-from < longest && localPart[s[from-1]] {
		from--
	}
	for from < i && (s[from] == '.' || s[from] == '\'' || s[from]&0xc0 == 0x80) { // the end of a sentence, a quote, a part of a character
		from++
	}
	if from == i || strings.HasSuffix(s[:from], "://") { // the user of a URL: ssh://git@host
		return 0
	}
	to := min(domain.run(s, i+size), i+size+255)
	host := strings.TrimRight(s[i+size:to], ".-")
	dot := strings.LastIndexByte(host, '.')
	if dot < 1 || host[0] == '-' || host[0] == '.' {
		return 0
	}
	top := host[dot+1:]
	if len(top) < 2 || digits[top[0]] || units[strings.ToLower(top)] {
		return 0
	}
	return sc.take(from, i+size+len(host), kindEmail)
}
