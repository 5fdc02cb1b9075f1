package email_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/notify/channeltest"
)

func BenchmarkRender(b *testing.B) {
	c := channeltest.Open(b, driver(nil), whole)
	for name, n := range map[string]channel.Notice{"one": scenes()["one"], "twelve": scene(), "crowded": channeltest.CrowdedNotice(2000)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Render(n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
