package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/f0a90b9a/ferry/internal/migration"
)

// pageLength is how many migrations a page of the list shows.
const pageLength = 50

// listPage is the list as one reader sees it with a filter.
type listPage struct {
	Entries  []entry
	Total    int
	Page     int
	Pages    int
	Route    string
	Result   string
	Routes   []string // that the reader may choose from
	Results  []choice
	Trouble  string
	Filtered bool
}

type choice struct{ Value, Word string }

// filter is what the address asks for.
type filter struct {
	route, result string
	page          int
}

const running = "RUNNING"

func filterOf(q url.Values) filter {
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	return filter{route: q.Get("route"), result: q.Get("result"), page: page}
}

// listFor is the part of the list that a user may see and asks for.
func listFor(list listing, u *User, f filter) listPage {
	p := listPage{Route: f.route, Result: f.result, Trouble: list.trouble, Filtered: f.route+f.result != ""}
	p.Results = resultChoices()
	for _, e := range list.entries {
		if !u.Sees(e.Route) {
			continue
		}
		if e.Route != "" && !slices.Contains(p.Routes, e.Route) {
			p.Routes = append(p.Routes, e.Route)
		}
		if f.route != "" && e.Route != f.route || f.result != "" && !e.is(f.result) {
			continue
		}
		p.Entries = append(p.Entries, e)
	}
	slices.Sort(p.Routes)
	p.Total = len(p.Entries)
	p.Pages = max(1, (p.Total+pageLength-1)/pageLength)
	p.Page = min(f.page, p.Pages)
	from := (p.Page - 1) * pageLength
	p.Entries = p.Entries[from:min(from+pageLength, p.Total)]
	return p
}

func (e *entry) is(result string) bool {
	if result == running {
		return e.Running
	}
	return string(e.Result) == result
}

// Migrated counts what the target has, by whichever run.
func (e *entry) Migrated() int { return e.Outcomes.Migrated + e.Outcomes.AlreadyMigrated }

func resultChoices() []choice {
	choices := []choice{{running, "Running"}}
	for _, r := range []migration.Result{
		migration.Completed, migration.CompletedWithFailures, migration.StoppedByLimit, migration.Aborted,
		migration.Rejected, migration.DryRun, migration.NotStarted, migration.Interrupted,
	} {
		choices = append(choices, choice{string(r), results[r].Word})
	}
	return choices
}

// Link is the address of another page of the list with the same filter.
func (p *listPage) Link(page int) string {
	q := url.Values{}
	for name, value := range map[string]string{"route": p.Route, "result": p.Result} {
		if value != "" {
			q.Set(name, value)
		}
	}
	q.Set("page", strconv.Itoa(page))
	return "/?" + q.Encode()
}

// Before and After are the neighbouring pages.
func (p *listPage) Before() int { return p.Page - 1 }

// After is the next page.
func (p *listPage) After() int { return p.Page + 1 }

func (s *Server) showList(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), lookTimeout)
	defer cancel()
	list, _, err := s.hub.list.look(ctx)
	if err != nil {
		list.trouble = words(err)
	}
	page := listFor(list, userOf(r), filterOf(r.URL.Query()))
	html, err := s.views.part("migrations", &page)
	if err != nil {
		s.log.Error("The list could not be made.", "error", err.Error())
	}
	body := struct {
		listPage
		Region region
	}{page, region{"migrations", hashOf([]byte(html)), html}}
	events := "/events"
	if r.URL.RawQuery != "" {
		events += "?" + r.URL.RawQuery
	}
	s.show(w, r, http.StatusOK, "list.html", frame{Title: "Migrations", Events: events, Body: body})
}

func (s *Server) streamList(w http.ResponseWriter, r *http.Request) {
	u, f := userOf(r), filterOf(r.URL.Query())
	l := s.hub.list.listen()
	defer s.hub.list.leave(l)
	s.stream(w, r, l, func(out *stream) (bool, error) {
		list, _ := s.hub.list.latest()
		page := listFor(list, u, f)
		html, err := s.views.part("migrations", &page)
		if err != nil {
			return false, err
		}
		return true, out.send([]region{{"migrations", hashOf([]byte(html)), html}})
	})
}
