package channel

import "encoding/json"

// kept is a stored body that holds bytes.
type kept struct {
	Payload string `json:"payload"`
}

// Keep makes the stored body of a driver that sends JSON text as it stands: {"payload": "…"}. Databases keep the value of a document
// but not its spelling, and every attempt must send the same bytes under the same key. body must come from Encode.
func Keep(body []byte) json.RawMessage {
	out := make([]byte, 0, len(body)+len(body)/8+16)
	out = append(out, `{"payload":"`...)
	for _, b := range body {
		if b == '"' || b == '\\' { // Encode left nothing else that a string must escape
			out = append(out, '\\')
		}
		out = append(out, b)
	}
	return append(out, `"}`...)
}

// Kept gives the bytes back. A body that Keep did not make is its own bytes.
func Kept(body json.RawMessage) []byte {
	var k kept
	if err := json.Unmarshal(body, &k); err != nil || k.Payload == "" {
		return body
	}
	return []byte(k.Payload)
}
