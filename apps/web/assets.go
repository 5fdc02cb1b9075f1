package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// asset is one embedded file under a path that holds its checksum, so that it may be kept for ever.
type asset struct {
	path    string
	kind    string
	etag    string
	body    []byte
	gzipped func() []byte // made when a browser first asks; nil: not worth it
}

type assets struct {
	byName map[string]*asset // as in static/: "app.js"
	byPath map[string]*asset // as served: "/static/app.1f2e3d4c.js"
}

// kinds are the types served, by extension. A script must say so or strict browsers refuse it.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".LICENSE": "text/plain; charset=utf-8",
}

func loadAssets(from embed.FS) (*assets, error) {
	a := &assets{byName: map[string]*asset{}, byPath: map[string]*asset{}}
	err := fs.WalkDir(from, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := from.ReadFile(name)
		if err != nil {
			return err
		}
		ext := path.Ext(name)
		kind, known := kinds[ext]
		if !known {
			return fmt.Errorf("no content type for %q", ext)
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:8])
		one := &asset{
			path: "/" + strings.TrimSuffix(name, ext) + "." + hash + ext,
			kind: kind, etag: `"` + hash + `"`, body: body, gzipped: sync.OnceValue(func() []byte { return pack(body) }),
		}
		a.byName[strings.TrimPrefix(name, "static/")] = one
		a.byPath[one.path] = one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the embedded assets: %w", err)
	}
	return a, nil
}

func pack(body []byte) []byte {
	if len(body) < 1024 {
		return nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil || z.Close() != nil {
		return nil
	}
	return b.Bytes()
}

// url returns where an asset is served. A name that does not exist is a fault of a template and found by New.
func (a *assets) url(name string) (string, error) {
	one, ok := a.byName[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return one.path, nil
}

func (w *Web) assetShow(c *gin.Context) {
	one, ok := w.assets.byPath[c.Request.URL.Path]
	if !ok {
		c.Header("Cache-Control", "no-store")
		c.String(http.StatusNotFound, "no such file")
		return
	}
	w.serveAsset(c, one, "public, max-age=31536000, immutable")
}

func (w *Web) faviconShow(c *gin.Context) {
	w.serveAsset(c, w.assets.byName["favicon.svg"], "public, max-age=86400")
}

func (w *Web) serveAsset(c *gin.Context, one *asset, cache string) {
	h := c.Writer.Header()
	h.Set("Cache-Control", cache)
	h.Set("Etag", one.etag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(c.GetHeader("If-None-Match"), one.etag) {
		c.Status(http.StatusNotModified)
		return
	}
	body := one.body
	if strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
		if packed := one.gzipped(); packed != nil {
			h.Set("Content-Encoding", "gzip")
			body = packed
		}
	}
	c.Data(http.StatusOK, one.kind, body)
}
