package web

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Sample returns the sample alert of a driver: a payload as that vendor sends it today, made by hand, with times around now.
// Samples are about things of their own (names and hosts end in "sample" or "example"), so that they join no real incident.
func Sample(driver string, now time.Time) ([]byte, error) {
	body, err := files.ReadFile("samples/" + driver + ".json")
	if err != nil {
		return nil, fmt.Errorf("no sample for the driver %q", driver)
	}
	started := now.UTC().Add(-2 * time.Minute)
	for mark, text := range map[string]string{
		"{{now}}":         now.UTC().Format("2006-01-02T15:04:05.000Z"),
		"{{started}}":     started.Format("2006-01-02T15:04:05.000Z"),
		"{{started_s}}":   strconv.FormatInt(started.Unix(), 10),
		"{{started_ms}}":  strconv.FormatInt(started.UnixMilli(), 10),
		"{{now_ms}}":      strconv.FormatInt(now.UnixMilli(), 10),
		"{{date_dotted}}": started.Format("2006.01.02"),
		"{{time}}":        started.Format("15:04:05"),
	} {
		body = bytes.ReplaceAll(body, []byte(mark), []byte(text))
	}
	return body, nil
}
