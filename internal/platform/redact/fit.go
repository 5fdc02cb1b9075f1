package redact

import (
	"slices"
	"strconv"
)

// floor is what an item is left at least; what would get less is dropped.
const floor = 64

type fitter struct{ r *Redactor }

// fit cuts a value to at most limit bytes, which are at least floor. Small items stay whole, the large ones share what is left.
func (f *fitter) fit(v *node, limit int) {
	if v.size <= limit {
		return
	}
	switch v.kind {
	case '"':
		v.text = f.r.cutText(v.text, limit)
	case '{', '[':
		f.container(v, limit)
	default: // a number of very many digits
		v.kind, v.text = '"', cutNote(len(v.text))
	}
	v.measure()
}

func (f *fitter) container(v *node, limit int) {
	const note = 48 // bytes, at most
	room := limit - 2 - note
	keep, used := 0, 0
	last := len(v.items) - 1
	if v.kind == '{' && last >= 0 && v.keys[last] == "truncated" { // the mark of a document that is cut
		room -= v.overhead(last) + v.items[last].size
	} else {
		last++
	}
	for keep < last {
		used += v.overhead(keep) + min(v.items[keep].size, floor)
		if used > room {
			break
		}
		keep++
	}
	if keep < last {
		v.dropped += last - keep
		v.items = slices.Delete(v.items, keep, last)
		if v.kind == '{' {
			v.keys = slices.Delete(v.keys, keep, last)
		}
	}
	sizes := make([]int, keep)
	for i := range keep {
		room -= v.overhead(i)
		sizes[i] = v.items[i].size
	}
	share := level(sizes, room)
	for _, item := range v.items[:keep] {
		f.fit(item, max(share, min(item.size, floor)))
	}
}

// overhead is what an item takes beside its value.
func (v *node) overhead(i int) int {
	if v.kind == '{' {
		return quotedSize(v.keys[i]) + 2
	}
	return 1
}

// level returns the most that each may have so that all together have no more than room.
func level(sizes []int, room int) int {
	sizes = slices.Sorted(slices.Values(sizes))
	for i, size := range sizes {
		if share := room / (len(sizes) - i); size > share {
			return share
		}
		room -= size
	}
	return 1 << 40
}

func cutNote(n int) string { return "… (cut, " + strconv.Itoa(n) + " bytes)" }

// cutText cuts a text to what takes at most limit bytes in quotes, and says how long it was.
func (r *Redactor) cutText(s string, limit int) string {
	note := cutNote(len(s))
	begin := head(s, limit-len(note))
	for range 3 {
		out := begin + note
		again := r.Text(out)
		if again == out {
			return out
		}
		begin = head(begin, quotedSize(begin)-(quotedSize(again)-quotedSize(out))-floor) // what was cut off changes the meaning
	}
	return note
}
