package server

import (
	"context"
	"net/url"

	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

// forget makes the redactor look for every secret of the hub: the stored ones, which change, and those of its settings. A rehearsal has
// the hub's redactor.
func (c *core) forget(ctx context.Context) error {
	if c.rehearsing != nil {
		return nil
	}
	stored, err := c.secrets.Every(ctx)
	if err != nil {
		return err
	}
	cfg := c.cfg
	stored = append(stored, cfg.Secrets.Key, cfg.Access.AdminKey, cfg.Webhook.Grafana, cfg.Webhook.PagerDuty, cfg.Webhook.NewRelic, cfg.Webhook.Generic)
	stored = append(stored, cfg.Models.Keys()...)
	var list []string
	for _, s := range stored {
		list = append(list, s.Reveal())
	}
	for _, s := range []secret.String{cfg.Storage.DatabaseURL, cfg.Storage.RedisURL} {
		if u, err := url.Parse(s.Reveal()); err == nil && u.User != nil {
			if password, _ := u.User.Password(); password != u.User.Username() { // "postgres" is a word
				list = append(list, password)
			}
		}
	}
	c.redact.Know(list)
	return nil
}
