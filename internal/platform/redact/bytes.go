package redact

// set is a set of bytes.
type set [256]bool

func bytesOf(ranges string) *set {
	var out set
	for i := 0; i+1 < len(ranges); i += 2 {
		for c := int(ranges[i]); c <= int(ranges[i+1]); c++ {
			out[c] = true
		}
	}
	return &out
}

// run returns where the bytes of a set end that begin at i.
func (b *set) run(s string, i int) int {
	for i < len(s) && b[s[i]] {
		i++
	}
	return i
}

var (
	wordByte = bytesOf("azAZ09__\x80\xff")
	digits   = bytesOf("09")
	upper    = bytesOf("AZ09")
	base62   = bytesOf("azAZ09")
	hex      = bytesOf("afAF09")
	base64ID = bytesOf("azAZ09__--")
	token68  = bytesOf("azAZ09__--..~~++//==")
	dotted   = bytesOf("azAZ09__--..")
	pathByte = bytesOf("azAZ09__--..//%%~~")
)
