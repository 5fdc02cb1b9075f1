package apply

// fallbacksFirst brings channels behind those that they fall back on and keeps the order of the file otherwise. What goes in circles
// keeps its place: the service says so.
func fallbacksFirst(list []entry) []entry {
	byName := make(map[string]entry, len(list))
	for _, e := range list {
		byName[e.name] = e
	}
	out, seen := make([]entry, 0, len(list)), make(map[string]bool, len(list))
	var visit func(e entry)
	visit = func(e entry) {
		if seen[e.name] {
			return
		}
		seen[e.name] = true
		if to, ok := byName[e.channel.Fallback]; ok && e.channel.Fallback != "" {
			visit(to)
		}
		out = append(out, e)
	}
	for _, e := range list {
		visit(e)
	}
	return out
}
