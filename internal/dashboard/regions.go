package dashboard

import (
	"html/template"
	"sync"
)

// region is a part of a page that is replaced as a whole when it changes.
type region struct {
	Name string        `json:"name"`
	Hash string        `json:"hash"`
	HTML template.HTML `json:"html"`
}

// migrationRegions are the parts of a migration's page, each a template.
var migrationRegions = []string{
	"announce", "head", "actions", "passing", "progress", "funnel", "statuses", "again", "limits", "problems", "errors", "files", "audit", "facts",
}

// rendered keeps the regions of a feed's latest value, made once for each kind
// of reader however many read.
type rendered struct {
	mu      sync.Mutex
	version int
	regions map[variant][]region
}

// regions makes a migration's regions.
func (s *Server) regions(f *migrationFeed, st standing, version int, v variant) ([]region, error) {
	f.rendered.mu.Lock()
	defer f.rendered.mu.Unlock()
	if version > f.rendered.version || f.rendered.regions == nil {
		f.rendered.version, f.rendered.regions = version, map[variant][]region{}
	}
	current := version == f.rendered.version
	if made, ok := f.rendered.regions[v]; ok && current {
		return made, nil
	}
	page := s.pageOf(st, v)
	made := make([]region, 0, len(migrationRegions))
	for _, name := range migrationRegions {
		html, err := s.views.part(name, &page)
		if err != nil {
			return nil, err
		}
		made = append(made, region{name, hashOf([]byte(html)), html})
	}
	if current {
		f.rendered.regions[v] = made
	}
	return made, nil
}
