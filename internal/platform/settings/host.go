package settings

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// addressOf is what the address guard is asked about: a URL as it is, a host with its port in the form of one. "" is nothing to ask.
func addressOf(fields []Field, f Field, settings map[string]any) string {
	raw, _ := settings[f.Key].(string)
	raw = strings.TrimSpace(raw)
	switch {
	case raw == "":
		return ""
	case f.Type == URL:
		return raw
	case f.Port != "":
		return "http://" + hostPort(fields, f, settings)
	default:
		return ""
	}
}

// hostPort is host:port of a setting that is a host; the brackets of an IPv6 address may be there or not.
func hostPort(fields []Field, f Field, settings map[string]any) string {
	raw, _ := settings[f.Key].(string)
	host := strings.ToLower(strings.TrimSuffix(strings.Trim(strings.TrimSpace(raw), "[]"), "."))
	return net.JoinHostPort(host, valueOf(fields, f.Port, settings))
}

// hostPlace names where the secrets of a host go, and how.
func hostPlace(fields []Field, f Field, settings map[string]any) string {
	parts := []string{hostPort(fields, f, settings)}
	for _, key := range f.With {
		if v := valueOf(fields, key, settings); v != "" {
			parts = append(parts, key+"="+v)
		}
	}
	return strings.Join(parts, " ")
}

// valueOf is a setting as text, its default where it is not given.
func valueOf(fields []Field, key string, settings map[string]any) string {
	switch v := settings[key].(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	if i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key }); i >= 0 {
		return fields[i].Default
	}
	return ""
}
