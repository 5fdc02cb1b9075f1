package web

import (
	"bytes"
	"compress/flate"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// shownPart is a piece of a message on a page.
type shownPart struct {
	channel.Shown
	mailFrame

	Folded bool // JSON that people need not see at once
}

// Brief reports whether a piece of HTML is a text with some marks, and no page.
func (p shownPart) Brief() bool { return p.Media == "text/html" && fragment(p.Text) }

// Raw reports whether a piece is JSON.
func (p shownPart) Raw() bool { return p.Media == "application/json" }

// folded folds the JSON of a message that people read in another piece.
func folded(parts []shownPart) []shownPart {
	for i := range parts {
		parts[i].Folded = parts[i].Raw() && !parts[0].Raw()
	}
	return parts
}

// mailFrame says where the sandboxed frame that draws a piece of HTML gets it from: an address, or, for HTML of which nothing is stored and
// that is too long for one, a form that posts it into the frame.
type mailFrame struct {
	URL          string
	Target       string // name of the frame that the form posts into
	Packed, Seal string
	CSRF         string
}

// Where previews are, and where their frames get their HTML.
const (
	previewPath  = "/channels/preview"
	previewFrame = previewPath + "/html"
)

// longestFrame bounds an address that holds HTML: proxies refuse longer lines.
const longestFrame = 7000

// sealedFrames makes the frames of one page. HTML is sealed for this session: nobody else can make the hub show HTML of theirs.
func sealedFrames(c *gin.Context) func(notify.Preview, int, string) mailFrame {
	secret, n := cookie(c, SessionCookie), 0
	return func(_ notify.Preview, _ int, html string) mailFrame {
		packed := packed(html)
		seal := sealOf(secret, packed)
		if len(packed) <= longestFrame {
			return mailFrame{URL: previewFrame + "?z=" + packed + "&seal=" + seal}
		}
		n++
		return mailFrame{Target: "mail-" + strconv.Itoa(n), Packed: packed, Seal: seal, CSRF: csrfToken(secret)}
	}
}

func packed(html string) string {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.BestCompression) // fails for unknown levels only
	_, _ = io.WriteString(z, html)                     // a buffer takes everything
	_ = z.Close()
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}

func sealOf(secret, packed string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("incidenthub preview v1 " + packed))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// mostFrame of HTML is unpacked, in bytes.
const mostFrame = 1 << 20

func unsealed(secret, packed, seal string) (string, error) {
	if secret == "" || !hmac.Equal([]byte(seal), []byte(sealOf(secret, packed))) {
		return "", storage.ErrNotFound
	}
	raw, err := base64.RawURLEncoding.DecodeString(packed)
	if err != nil {
		return "", fmt.Errorf("read a frame: %w", err)
	}
	html, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), mostFrame))
	return string(html), err
}

// channelPreviewHTML is the document of a frame: what a mail looks like.
func (w *Web) channelPreviewHTML(c *gin.Context) {
	if packed := c.Query("z"); packed != "" {
		html, err := unsealed(cookie(c, SessionCookie), packed, c.Query("seal"))
		drawn(c, html, err)
		return
	}
	html, err := w.previewPieceHTML(c)
	drawn(c, html, err)
}

// channelPreviewDrawn is the same for HTML that is posted, because it is too long for an address.
func (w *Web) channelPreviewDrawn(c *gin.Context) {
	html, err := unsealed(cookie(c, SessionCookie), c.PostForm("z"), c.PostForm("seal"))
	drawn(c, html, err)
}

func (w *Web) previewPieceHTML(c *gin.Context) (string, error) {
	in := previewInput(c.Query)
	list, err := w.Previews.Previews(c.Request.Context(), tenant(c), in)
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(c.Query("piece"))
	if err != nil || in.Channel == "" || len(list) != 1 || n < 0 || n >= len(list[0].Shown) || list[0].Shown[n].Media != "text/html" {
		return "", storage.ErrNotFound
	}
	return list[0].Shown[n].Text, nil
}

func drawn(c *gin.Context, html string, err error) {
	if err != nil {
		foreign(c, http.StatusNotFound, "text/plain", "This cannot be shown any more. Load the page again.")
		return
	}
	foreign(c, http.StatusOK, "text/html", html)
}

// mailPolicy lets a document that is not a page of ours be looked at and nothing else: no script, no request, no form, framed by our pages only.
const mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

// fragment reports whether HTML is only a piece of a document.
func fragment(html string) bool {
	start := strings.ToLower(html[:min(len(html), 200)])
	return !strings.Contains(start, "<!doctype") && !strings.Contains(start, "<html")
}

// sheet is a document for a piece of HTML, which looks like a text of these pages.
const sheet = `<!doctype html><meta charset="utf-8"><style>body{margin:12px;font:14px/1.5 system-ui,sans-serif;color:#16181d;overflow-wrap:anywhere}pre{white-space:pre-wrap}</style>`

// foreign answers with a document of somebody else's making.
func foreign(c *gin.Context, status int, media, text string) {
	if media == "text/html" && fragment(text) {
		text = sheet + text
	}
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", mailPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	c.Data(status, media+"; charset=utf-8", []byte(text))
}
