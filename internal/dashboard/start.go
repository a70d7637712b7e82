package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"time"

	"github.com/f0a90b9a/ferry/internal/fault"
	"github.com/f0a90b9a/ferry/internal/figures"
	"github.com/f0a90b9a/ferry/internal/migration"
	"github.com/f0a90b9a/ferry/internal/objectstore"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

// startPage is the form that starts a migration.
type startPage struct {
	Form    url.Values
	Routes  []string // the user's own; empty: all, so the route is typed
	All     bool     // may name any file in S3
	Problem string
	Most    string // size of the largest file
}

// Value is what a field holds after a mistake.
func (p *startPage) Value(name string) string { return p.Form.Get(name) }

// moreFields are those that the form folds away.
var moreFields = []string{
	"consecutive", "errorRate", "minSample", "maxFailures", "batches", "perBatch", "requestsPerSecond",
	"requireApproval", "waves", "reconcile", "id",
}

// startFields are the others beside the file.
var startFields = []string{"route", "dryRun", "file"}

// Opened reports whether any of them is filled in, so that a mistake can be
// seen.
func (p *startPage) Opened() bool {
	return slices.ContainsFunc(moreFields, func(name string) bool { return p.Value(name) != "" })
}

func (s *Server) showStart(w http.ResponseWriter, r *http.Request) {
	if s.mayStart(w, r) {
		s.askStart(w, r, http.StatusOK, url.Values{}, nil)
	}
}

func (s *Server) mayStart(w http.ResponseWriter, r *http.Request) bool {
	if userOf(r).Steers() {
		return true
	}
	s.complain(w, r, http.StatusForbidden, complaint{"Not yours to do", "Starting a migration takes an operator."})
	return false
}

func (s *Server) askStart(w http.ResponseWriter, r *http.Request, status int, form url.Values, problem error) {
	u := userOf(r)
	page := &startPage{Form: form, Routes: u.Routes, All: u.all(), Most: figures.Bytes(s.maxUpload)}
	if problem != nil {
		page.Problem = problem.Error()
	}
	s.show(w, r, status, "start.html", frame{Title: "Start a migration", Body: page})
}

// start reads the form part by part, so that a file goes to the store as it
// comes. The form has the file last.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	if !s.mayStart(w, r) {
		return
	}
	unlimited(w)
	r.Body = http.MaxBytesReader(w, r.Body, s.maxUpload+maxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		s.complain(w, r, http.StatusBadRequest, complaint{"Not understood", "The form could not be read."})
		return
	}
	form, upload, err := readForm(parts)
	if upload != nil {
		upload.body = &movingReader{&lastPart{upload.body, parts}, http.NewResponseController(w)}
	}
	if err == nil {
		var id string
		if id, err = s.begin(r, form, upload); err == nil {
			http.Redirect(w, r, "/migrations/"+url.PathEscape(id)+"?done=start", http.StatusSeeOther)
			return
		}
	}
	if tooLarge, is := errors.AsType[*http.MaxBytesError](err); is {
		err = fmt.Errorf("the file is larger than %s, which dashboard.max_upload_mb allows", figures.Bytes(tooLarge.Limit-maxForm))
	}
	if full, is := errors.AsType[*fullError](err); is {
		retryAfter(w.Header(), full.again)
	}
	s.askStart(w, r, startStatus(err), form, err)
}

func startStatus(err error) int {
	if full, is := errors.AsType[*fullError](err); is {
		return full.status
	}
	switch {
	case errors.Is(err, errInput):
		return http.StatusBadRequest
	case errors.Is(err, operator.ErrIDUsed):
		return http.StatusConflict
	}
	if _, is := fault.As(err); is {
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

// errInput marks what the user can mend in the form.
var errInput = errors.New("")

func inputf(format string, args ...any) error {
	return fmt.Errorf(format+"%w", append(args, errInput)...)
}

// upload is a file in a form; its body is read once.
type upload struct {
	name string
	body io.Reader
}

// readForm reads the fields up to the file, which stays to be read.
func readForm(parts *multipart.Reader) (url.Values, *upload, error) {
	form := url.Values{}
	room := int64(maxForm)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil, nil
		}
		if err != nil {
			return form, nil, fmt.Errorf("the form could not be read: %w", err)
		}
		if part.FormName() == "upload" {
			if part.FileName() == "" {
				continue
			}
			return form, &upload{part.FileName(), part}, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, room+1))
		if room -= int64(len(value)); err != nil || room < 0 {
			return form, nil, inputf("the form is too large")
		}
		name := part.FormName()
		if !slices.Contains(startFields, name) && !slices.Contains(moreFields, name) {
			return form, nil, inputf("there is no field %q", name)
		}
		if form.Has(name) {
			return form, nil, inputf("the field %s is there twice", name)
		}
		form.Set(name, string(value))
	}
}

// lastPart is the file, which nothing may follow: what came after it would
// have had no say. It is refused before the file is stored, which takes the
// reader's end.
type lastPart struct {
	r     io.Reader
	parts *multipart.Reader
}

func (l *lastPart) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	switch _, after := l.parts.NextPart(); {
	case errors.Is(after, io.EOF):
		return n, err
	case after != nil:
		return n, fmt.Errorf("the form could not be read: %w", after)
	}
	return n, inputf("the form has something behind the file, which must come last")
}

// begin starts what a form asks for and gives the migration's id.
func (s *Server) begin(r *http.Request, form url.Values, up *upload) (string, error) {
	ctx, u := r.Context(), userOf(r)
	in, err := startInput(u, form)
	if err != nil {
		return "", err
	}
	loc, err := s.source(u, in.Route, form.Get("file"), up)
	if err != nil {
		return "", err
	}
	in.File = loc.String()
	if err := in.Check(); err != nil {
		return "", inputf("%w", err)
	}
	id, err := startID(u, form, in, s.now())
	if err != nil {
		return "", err
	}
	again, err := s.unused(ctx, id)
	if err != nil {
		return "", err
	}
	if up != nil {
		leave, err := s.uploads.take(s.whose(r))
		if err != nil {
			return "", err
		}
		defer leave()
	}
	if err := s.provide(ctx, loc, up); err != nil {
		return "", err
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if _, err := s.launch().Start(call, id, in, again); err != nil {
		return "", err
	}
	s.hub.renew(id)
	s.log.Info("A migration was started.", "migration", id, "route", in.Route, "by", u.Name)
	return id, nil
}

// startInput judges the form before anything is sent anywhere.
func startInput(u *User, form url.Values) (workflows.MigrateFileInput, error) {
	in := workflows.MigrateFileInput{Route: form.Get("route")}
	dry, err := choiceOf(form, "dryRun")
	in.DryRun = or(dry, false)
	switch {
	case err != nil:
		return in, err
	case in.Route == "":
		return in, inputf("the route is missing")
	case !routeName.MatchString(in.Route):
		return in, inputf("the route must match %s", routeName)
	case !u.Sees(in.Route):
		return in, inputf("route %s is not yours", in.Route)
	}
	if in.Limits, err = limitsOf(form); err != nil {
		return in, inputf("%w", err)
	}
	if in.Concurrency, in.RequestsPerSecond, err = widthOf(form); err != nil {
		return in, inputf("%w", err)
	}
	for name, into := range map[string]**bool{"requireApproval": &in.RequireApproval, "waves": &in.Waves, "reconcile": &in.Reconcile} {
		if *into, err = choiceOf(form, name); err != nil {
			return in, err
		}
	}
	return in, nil
}

// threeWay is a setting that is on, off or as configured.
type threeWay struct{ Name, Label, Value string }

func newThreeWay(name, label, value string) threeWay { return threeWay{name, label, value} }

// choiceOf reads yes, no or nothing, which is the worker's configuration.
func choiceOf(form url.Values, name string) (*bool, error) {
	switch form.Get(name) {
	case "":
		return nil, nil
	case "yes":
		return new(true), nil
	case "no":
		return new(false), nil
	}
	return nil, inputf("%s: %q is neither yes nor no", name, form.Get(name))
}

// source is where the file lies or will lie: an uploaded one in a folder of its
// route's, because a name that one partner has used says nothing to another. Those who may not see all routes
// can't name places: the workers may read what is another partner's.
func (s *Server) source(u *User, route, uri string, up *upload) (objectstore.Location, error) {
	var text string
	switch {
	case up != nil && uri != "":
		return objectstore.Location{}, inputf("there is both a file to upload and a place in S3: give one of them")
	case up != nil:
		text = objectstore.Location{Bucket: s.store.WorkBucket(), Key: migration.InputPrefix + route + "/" + path.Base(up.name)}.String()
	case uri == "":
		return objectstore.Location{}, inputf("choose a file to upload, or name one in S3")
	case !u.all():
		return objectstore.Location{}, inputf("upload the file: naming a place in S3 takes an operator of all routes")
	default:
		text = uri
	}
	return objectstore.ParseURI(text)
}

// startID is the migration's id: the form's, or one made from the file. Those
// who may not see all routes can't choose: an id that is taken would tell them
// of another's migration.
func startID(u *User, form url.Values, in workflows.MigrateFileInput, now time.Time) (string, error) {
	id := form.Get("id")
	switch {
	case id == "":
		return operator.NewID(in, now), nil
	case !u.all():
		return "", inputf("choosing the migration’s id takes an operator of all routes")
	case !migration.ValidID(id):
		return "", inputf("the migration’s id must match %s", migration.IDPattern)
	}
	return id, nil
}

// unused refuses an id that Temporal or the work bucket knows. Again is true
// for one whose only run failed before it claimed anything.
func (s *Server) unused(ctx context.Context, id string) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	again, err = s.launch().Unused(ctx, id)
	if errors.Is(err, operator.ErrIDUsed) {
		err = fmt.Errorf("migration %s: %w, and a file’s name is good once: give the file a new name", id, operator.ErrIDUsed)
	}
	return again, err
}
