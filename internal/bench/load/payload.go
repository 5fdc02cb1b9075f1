//go:build unix

// Package load drives a hub over HTTP and receives what it sends, at a cost small enough to share two cores with it: requests are
// built once and patched in place, answers and notifications are read without a general parser.
package load

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seqDigits is the width of an alert's number in its instance label, which is how a notification is told from others.
const seqDigits = 10

// marker precedes the number in requests and in whatever the hub makes of them.
const marker = "node-"

// hashDigits is the width of Alertmanager's fingerprint.
const hashDigits = 16

// alertJSON is one alert as Alertmanager 0.27 sends it; with the frame around it a body of one has about 1.9 KB.
const alertJSON = `{"status":"firing","labels":{"alertname":"NodeFilesystemAlmostOutOfSpace","cluster":"production-eu-west-1",` +
	`"device":"/dev/nvme0n1p1","environment":"production","fstype":"ext4","instance":"node-SSSSSSSSSS","job":"node-exporter",` +
	`"mountpoint":"/var/lib/data","namespace":"monitoring","prometheus":"monitoring/k8s","severity":"critical","team":"storage"},` +
	`"annotations":{"description":"The filesystem on /dev/nvme0n1p1, mounted at /var/lib/data, has only 4.17% of its space left and ` +
	`is filling up at a rate that will exhaust it within the next four hours. Check for runaway logs and old images first. Volumes of this class can be extended ` +
	`online; the storage team's runbook has the steps, and whom to call when the array itself is full.",` +
	`"dashboard_url":"https://grafana.example.com/d/node-exporter-full/node-exporter-full?orgId=1&var-cluster=production-eu-west-1",` +
	`"runbook_url":"https://runbooks.example.com/node/node-filesystem-almost-out-of-space",` +
	`"summary":"Filesystem has less than 5% of its space left."},"startsAt":"TIME","endsAt":"0001-01-01T00:00:00Z",` +
	`"generatorURL":"https://prometheus.example.com/graph?g0.expr=node_filesystem_avail_bytes+%2F+node_filesystem_size_bytes+%3C+0.05&g0.tab=1",` +
	`"fingerprint":"FFFFFFFFFFFFFFFF"}`

const frameJSON = `{"receiver":"incidenthub","status":"firing","alerts":[ALERTS],` +
	`"groupLabels":{"alertname":"NodeFilesystemAlmostOutOfSpace","namespace":"monitoring"},` +
	`"commonLabels":{"alertname":"NodeFilesystemAlmostOutOfSpace","cluster":"production-eu-west-1","environment":"production",` +
	`"job":"node-exporter","namespace":"monitoring","prometheus":"monitoring/k8s","severity":"critical","team":"storage"},` +
	`"commonAnnotations":{"summary":"Filesystem has less than 5% of its space left."},` +
	`"externalURL":"https://alertmanager.example.com","version":"4",` +
	`"groupKey":"{}/{severity=\"critical\"}:{alertname=\"NodeFilesystemAlmostOutOfSpace\", namespace=\"monitoring\"}","truncatedAlerts":0}`

// request is a whole HTTP request whose alerts' numbers are patched in place.
type request struct {
	raw    []byte
	seqs   []int // offsets
	hashes []int
}

func newRequest(host, key string, alerts int, at time.Time) *request {
	one := strings.Replace(alertJSON, "TIME", at.UTC().Format(time.RFC3339Nano), 1)
	body := strings.Replace(frameJSON, "ALERTS", strings.TrimSuffix(strings.Repeat(one+",", alerts), ","), 1)
	r := &request{raw: fmt.Appendf(nil, "POST /alerts/webhook/ HTTP/1.1\r\nHost: %s\r\nUser-Agent: Alertmanager/0.27.0\r\n"+
		"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", host, key, len(body), body)}
	r.seqs = offsets(r.raw, marker+strings.Repeat("S", seqDigits), len(marker))
	r.hashes = offsets(r.raw, strings.Repeat("F", hashDigits), 0)
	return r
}

func offsets(raw []byte, word string, skip int) []int {
	var out []int
	for from := 0; ; {
		i := bytes.Index(raw[from:], []byte(word))
		if i < 0 {
			return out
		}
		out = append(out, from+i+skip)
		from += i + len(word)
	}
}

// patch writes the numbers first, first+1, … modulo distinct (0: no limit) into the request.
func (r *request) patch(first int64, distinct int64) {
	for i := range r.seqs {
		seq := first + int64(i)
		if distinct > 0 {
			seq %= distinct
		}
		decimal(r.raw[r.seqs[i]:r.seqs[i]+seqDigits], seq)
		hexadecimal(r.raw[r.hashes[i]:r.hashes[i]+hashDigits], scramble(uint64(seq)))
	}
}

func decimal(to []byte, n int64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = byte('0' + n%10)
		n /= 10
	}
}

func hexadecimal(to []byte, n uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
}

// scramble spreads numbers as a hash does (the finisher of splitmix64), so that indexes of fingerprints are hit at random.
func scramble(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// seqOf finds the number of the alert that a notification tells of.
func seqOf(body []byte) (int64, bool) {
	i := bytes.Index(body, []byte(marker))
	if i < 0 || len(body) < i+len(marker)+seqDigits {
		return 0, false
	}
	n, err := strconv.ParseInt(string(body[i+len(marker):i+len(marker)+seqDigits]), 10, 64)
	return n, err == nil
}
