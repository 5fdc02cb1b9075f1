package channel

import (
	"net/url"
	"strings"

	"github.com/incidenthub/incidenthub/internal/platform/httpclient"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
)

// WebAddress reads a setting that is an http or https address, without a login in it. Its fragment is left out: nobody is ever sent one.
func WebAddress(key, raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil:
		return nil, Bad(key, "cannot be read: write it as https://host/path, special characters percent-encoded")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, Bad(key, "must begin with http:// or https:// and name a host")
	case u.User != nil:
		return nil, Bad(key, "must hold no user or password")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// WebLink is an address that people may be led to: http or https with a host, at most so many bytes, without a login that would make it look
// like another one. What has no place in an address is percent-encoded.
func WebLink(raw string, most int) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(raw) > most {
		return "", false
	}
	u.User = nil
	return u.String(), true
}

// Home reads a setting that is an address of a service with hosts of its own: https there, and http as well on hosts that the operator of the
// machine has listed. client, which may be nil, knows those.
func Home(key, raw, service string, client *httpclient.Client, hosts ...string) (*url.URL, error) {
	u, err := WebAddress(key, raw)
	if err != nil {
		return nil, err
	}
	for _, host := range hosts {
		if u.Scheme == "https" && u.Host == host {
			return u, nil
		}
	}
	if client != nil && client.Listed(u) {
		return u, nil
	}
	return nil, Bad(key, "must begin with https://%s/. For a server of your own that speaks like %s, "+settings.AllowIt+"%s",
		hosts[0], service, httpclient.Destination(u))
}
