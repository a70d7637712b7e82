package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/figures"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// views makes pages and parts of pages.
type views struct {
	templates *template.Template
	assets    map[string]asset // by name with hash
	addresses map[string]string
}

type asset struct {
	body []byte
	kind string
}

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func newViews() (*views, error) {
	v := &views{assets: map[string]asset{}, addresses: map[string]string{}}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		body, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			return nil, err
		}
		// The hash in the name lets browsers keep it for ever.
		ext := path.Ext(e.Name())
		name := e.Name()[:len(e.Name())-len(ext)] + "." + hashOf(body) + ext
		v.assets[name] = asset{body, assetKinds[ext]}
		v.addresses[e.Name()] = "/assets/" + name
	}
	v.templates, err = template.New("").Funcs(template.FuncMap{
		"asset": func(name string) string { return v.addresses[name] },
		"num":   figures.Number, "percent": percent, "size": figures.Bytes, "moment": moment, "minute": minute, "instant": instant, "span": figures.Span, "spanRange": figures.SpanRange,
		"perSecond": perSecond, "path": url.PathEscape, "ext": func(name string) string { return strings.TrimPrefix(path.Ext(name), ".") }, "batches": batches,
		"stateOf": stateOf, "hundred": func(x float64) float64 { return 100 * x },
		"pointer": func(t time.Time) *time.Time { return &t }, "plural": figures.Plural, "choices": newThreeWay,
		"plain": plain, "query": queryPart,
	}).ParseFS(templateFiles, "templates/*.html")
	if err == nil {
		printPlainly(v.templates)
	}
	return v, err
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:6])
}

// part makes a part of a page.
func (v *views) part(name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := v.templates.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // the template has escaped it
}

// frame is what every page has.
type frame struct {
	Title  string
	User   *User
	Events string // address of the event stream; empty: none
	Notice string // after something was done
	Body   any
}

// show answers with a page. A page that can't be made is an answer of its own.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, f frame) {
	f.User = userOf(r)
	var b bytes.Buffer
	if err := s.views.templates.ExecuteTemplate(&b, name, f); err != nil {
		s.log.Error("A page could not be made.", "page", name, "error", err.Error())
		http.Error(w, "This page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// complaint is an answer that says what is wrong.
type complaint struct{ Heading, Says string }

func (s *Server) complain(w http.ResponseWriter, r *http.Request, status int, c complaint) {
	s.show(w, r, status, "complaint.html", frame{Title: c.Heading, Body: c})
}

func (s *Server) nothing(w http.ResponseWriter, r *http.Request) {
	s.complain(w, r, http.StatusNotFound, complaint{"Not found", "There is no such page, or it is not for you to see."})
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), r.TLS != nil)
	a, ok := s.views.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.body)
}
