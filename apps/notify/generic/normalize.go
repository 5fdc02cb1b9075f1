package generic

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// Normalize implements channel.Normalizer: secrets inside the address move to settings that are kept sealed,
// https://user:password@host/?token=x becomes https://host/ with username, password and query.token. Settings that do not
// decode, and addresses that cannot be read, come back as they are; New complains about them.
func (d Driver) Normalize(config json.RawMessage) (json.RawMessage, error) {
	var all map[string]any
	if json.Unmarshal(config, &all) != nil {
		return config, nil //nolint:nilerr // New says what is wrong with it
	}
	changed := false
	for _, key := range []string{"endpoint", "webhook_url"} {
		raw, _ := all[key].(string)
		u, err := url.Parse(strings.TrimSpace(raw))
		if raw == "" || err != nil {
			continue
		}
		if u.User != nil {
			moveUser(u, all)
			changed = true
		}
		if moveQuery(u, all) {
			changed = true
		}
		all[key] = u.String()
	}
	if !changed {
		return config, nil
	}
	return channel.Encode(all)
}

func moveUser(u *url.URL, all map[string]any) {
	all["username"] = u.User.Username()
	if password, ok := u.User.Password(); ok {
		all["password"] = password
	}
	u.User = nil
}

// moveQuery moves the parameters that look secret and leaves the others as they were written.
func moveQuery(u *url.URL, all map[string]any) bool {
	var kept []string
	moved := false
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		plainName, err1 := url.QueryUnescape(name)
		plainValue, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || plainValue == "" || !channel.LooksSecret(plainName) {
			kept = append(kept, part)
			continue
		}
		query, ok := all["query"].(map[string]any)
		if !ok {
			query = map[string]any{}
			all["query"] = query
		}
		query[plainName] = plainValue
		moved = true
	}
	u.RawQuery = strings.Join(kept, "&")
	return moved
}
