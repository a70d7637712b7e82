package migrationfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// maxGenerated keeps the numbers that customers are made of in 32 bits.
const maxGenerated = math.MaxInt32

// GenOptions say what Generate makes up. The same options give the same bytes.
type GenOptions struct {
	Records int // from 0 to 2,147,483,647
	Seed    uint64
	// Route whose merchant, products and statuses are used; required. Products
	// named …-fail-<step> are used for failing records alone.
	Route *entitlement.Route
	// FailShare of the records, 0 to 1, are of a product that refuses a step
	// they need. They are spread evenly, the kinds of failure in turn.
	FailShare float64
	// Mix weighs the statuses; nil: a mix as in a real base.
	Mix map[entitlement.Status]int
	// OnlyStatus and Product, if set, are those of all records.
	OnlyStatus entitlement.Status
	Product    string
	// Prefix begins the external ids ("ext" if empty) and, if set, the
	// customers, so that several files can go to one target.
	Prefix string
	// Now is when the file is valid: all but the ends of ACTIVE-ENDING lies
	// before it; required.
	Now time.Time
	// EndsAfter is the earliest end of an ACTIVE-ENDING; zero: 30 days from Now.
	EndsAfter time.Time
	// Lines writes one record a line in place of an array.
	Lines bool
}

// Generate writes a valid migration file of made-up records with all kinds of
// fields, about 450 bytes each, a customer each, without ever holding more
// than one of them.
func Generate(w io.Writer, opts GenOptions) error {
	g, err := newGenerator(opts)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, windowBytes)
	first, separator, last := "[\n", ",\n", "\n]\n"
	if opts.Lines {
		first, separator, last = "", "\n", "\n"
	}
	for i := range opts.Records {
		text := separator
		if i == 0 {
			text = first
		}
		if _, err := out.Write(g.appendRecord([]byte(text), i+1)); err != nil {
			return fmt.Errorf("generate migration file: %w", err)
		}
	}
	if opts.Records == 0 && !opts.Lines {
		last = "[]\n"
	}
	if _, err := out.WriteString(last); err != nil {
		return fmt.Errorf("generate migration file: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("generate migration file: %w", err)
	}
	return nil
}

type generator struct {
	opts     GenOptions
	rng      *rand.Rand
	statuses []entitlement.Status // as often as they weigh
	good     []entitlement.Product
	failing  map[entitlement.Step]entitlement.Product
	failures int
}

func newGenerator(opts GenOptions) (*generator, error) {
	if opts.Route == nil || opts.Now.IsZero() {
		return nil, errors.New("generate migration file: Route and Now are required")
	}
	if opts.Records < 0 || opts.Records > maxGenerated {
		return nil, fmt.Errorf("generate migration file: %d is not a number of records from 0 to %d", opts.Records, maxGenerated)
	}
	if opts.EndsAfter.IsZero() {
		opts.EndsAfter = opts.Now.AddDate(0, 0, 30)
	}
	g := &generator{
		opts: opts, rng: rand.New(rand.NewPCG(opts.Seed, 0x66657272)),
		failing: make(map[entitlement.Step]entitlement.Product),
	}
	for _, p := range opts.Route.Products {
		if _, step, found := strings.Cut(p.ProductKey, "-fail-"); found {
			g.failing[entitlement.Step(step)] = p
		} else {
			g.good = append(g.good, p)
		}
		if p.ProductKey == opts.Product {
			g.good = []entitlement.Product{p}
			break
		}
	}
	g.weigh()
	unknown := opts.Product != "" && (len(g.good) == 0 || g.good[0].ProductKey != opts.Product)
	if unknown || len(g.good) == 0 || len(g.statuses) == 0 {
		return nil, errors.New("generate migration file: the route has no product or status to use")
	}
	return g, nil
}

var realMix = map[entitlement.Status]int{
	entitlement.Pending: 5, entitlement.Active: 60, entitlement.ActiveEnding: 8,
	entitlement.Suspended: 8, entitlement.Cancelled: 14, entitlement.Revoked: 5,
}

func (g *generator) weigh() {
	mix := g.opts.Mix
	if mix == nil {
		mix = realMix
	}
	if s := g.opts.OnlyStatus; s != "" {
		mix = map[entitlement.Status]int{s: 1}
	}
	for _, s := range entitlement.AllStatuses() {
		if slices.Contains(g.opts.Route.Statuses, s) {
			g.statuses = append(g.statuses, slices.Repeat([]entitlement.Status{s}, mix[s])...)
		}
	}
}

// fails spreads the failing records evenly: record i fails if the share of the
// first i is one more than that of those before.
func (g *generator) fails(i int) bool {
	due := func(n int) float64 { return math.Floor(float64(n)*g.opts.FailShare + 1e-9) }
	return due(i) > due(i-1)
}

// plan chooses the status of record i and the product it is of.
func (g *generator) plan(i int) (entitlement.Status, entitlement.Product) {
	if g.fails(i) && g.opts.Product == "" {
		if s, p, ok := g.failure(); ok {
			return s, p
		}
	}
	return g.statuses[g.rng.IntN(len(g.statuses))], g.good[g.rng.IntN(len(g.good))]
}

// failure takes the next step in turn that the route has a refusing product
// for and a status of the mix needs.
func (g *generator) failure() (entitlement.Status, entitlement.Product, bool) {
	turn := []entitlement.Step{
		entitlement.Create, entitlement.Activate, entitlement.Suspend, entitlement.Cancel, entitlement.Revoke,
	}
	for range turn {
		step := turn[g.failures%len(turn)]
		g.failures++
		p, found := g.failing[step]
		if s, fits := g.statusWith(step); found && fits {
			return s, p, true
		}
	}
	return "", entitlement.Product{}, false
}

// statusWith picks a status of the mix whose records need the step.
func (g *generator) statusWith(step entitlement.Step) (entitlement.Status, bool) {
	start := g.rng.IntN(len(g.statuses))
	for i := range g.statuses {
		s := g.statuses[(start+i)%len(g.statuses)]
		r := entitlement.Record{Status: s, DateActivated: &g.opts.Now}
		if slices.Contains(entitlement.Steps(&r, g.opts.Now), step) {
			return s, true
		}
	}
	return "", false
}
