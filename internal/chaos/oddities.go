package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/f0a90b9a/ferry/internal/entitlement"
	"github.com/f0a90b9a/ferry/internal/sandbox"
)

// oddAnswerRate is the share of writes whose answer is odd, where any is.
const oddAnswerRate = 0.03

// Oddities are what the target answers oddly in a run, a record or a call at a
// time; see sandbox.Faults. The zero value is none.
type Oddities struct {
	Answers    sandbox.AnswerKind // of writes that were done; empty: as they should be
	Strangers  sandbox.OddKind    // items of reports that nobody asked for; empty: none
	RetryAfter string             // of 429, whatever the weather; empty: a second
	KeepsIDs   bool               // external ids are trimmed and folded, which changes none of the file's
	// PageRefused is the status of a few reports that ask for one record; 0: none.
	PageRefused int
	PageRecord  int
	// Forbidden is the record whose step a firewall refuses until the reload; 0:
	// none.
	Forbidden int
	Step      entitlement.Step
}

// odd draws oddities from chances of their own, so that what else a seed stands
// for stays as it is.
func odd(seed uint64, f *File) (Oddities, []Fault) {
	//nolint:gosec // as NewSchedule
	d := draw{rng: rand.New(rand.NewPCG(seed, 0x6f6464)), file: f}
	var o Oddities
	if d.one(2) {
		o.Answers = pick(&d, sandbox.AnswerCreated, sandbox.AnswerNoContent, sandbox.AnswerPage, sandbox.AnswerEmpty, sandbox.AnswerBare)
	}
	if d.one(2) {
		o.Strangers = pick(&d, sandbox.OddNotAsked, sandbox.OddNotAskedBroken)
	}
	if d.one(4) {
		o.RetryAfter = pick(&d, "300", "86400", "99999999999999999999", "soon")
	}
	o.KeepsIDs = d.one(3)
	if d.one(3) {
		o.PageRefused, o.PageRecord = pick(&d, 400, 500), d.between(1, len(f.Records))
	}
	if d.one(3) {
		r := f.Records[d.rng.IntN(len(f.Records))]
		if r.Refused == "" {
			o.Forbidden, o.Step = r.Number, r.Steps[d.rng.IntN(len(r.Steps))]
		}
	}
	var faults []Fault
	if creates := f.Effective[entitlement.Create]; d.one(3) && creates > 0 {
		faults = append(faults, Fault{
			Kind: CreatesUnderWay, Amount: d.between(1, 4), For: d.milliseconds(300, 2500),
			When: When{Step: entitlement.Create, Nth: 1 + d.rng.IntN(max(1, creates*2/3))},
		})
	}
	return o, faults
}

func pick[T any](d *draw, from ...T) T { return from[d.rng.IntN(len(from))] }

// kinds are those of the oddities that are on.
func (o Oddities) kinds() []Kind {
	var all []Kind
	for _, k := range []struct {
		kind Kind
		on   bool
	}{
		{OddAnswers, o.Answers != ""},
		{StrangersInReports, o.Strangers != ""},
		{LongRetryAfter, o.RetryAfter != ""},
		{IDsKept, o.KeepsIDs},
		{PageRefused, o.PageRefused != 0},
		{RecordForbidden, o.Forbidden != 0},
	} {
		if k.on {
			all = append(all, k.kind)
		}
	}
	return all
}

// String is a line each.
func (o Oddities) String() string {
	var out strings.Builder
	if o.Answers != "" {
		fmt.Fprintf(&out, "  target: writes answered %s, %v of all\n", o.Answers, oddAnswerRate)
	}
	if o.Strangers != "" {
		fmt.Fprintf(&out, "  target: items %s in reports\n", o.Strangers)
	}
	if o.RetryAfter != "" {
		fmt.Fprintf(&out, "  target: Retry-After: %s\n", o.RetryAfter)
	}
	if o.KeepsIDs {
		fmt.Fprintf(&out, "  target: %s\n", IDsKept)
	}
	if o.PageRefused != 0 {
		fmt.Fprintf(&out, "  target: three reports that ask for record %d answered %d\n", o.PageRecord, o.PageRefused)
	}
	if o.Forbidden != 0 {
		fmt.Fprintf(&out, "  target: %s of record %d forbidden until the reload\n", o.Step, o.Forbidden)
	}
	return out.String()
}

// set switches the sandbox's faults on.
func (o Oddities) set(f *sandbox.Faults, file *File) {
	if o.Answers != "" {
		f.WriteAnswers = []sandbox.WriteAnswer{{As: o.Answers, Match: sandbox.Match{Rate: oddAnswerRate}}}
	}
	if o.Strangers != "" {
		f.OddItems = []sandbox.OddItem{{As: o.Strangers, Match: sandbox.Match{Call: "report", Rate: 0.1}}}
	}
	f.RetryAfterText, f.TrimIDs, f.FoldIDs = o.RetryAfter, o.KeepsIDs, o.KeepsIDs
	if o.PageRefused != 0 {
		f.Refuse = append(f.Refuse, sandbox.RefuseRule{Status: o.PageRefused, Match: sandbox.Match{
			Call: "report", ExternalID: file.Records[o.PageRecord-1].External, Times: 3,
		}})
	}
	if o.Forbidden != 0 {
		r := &file.Records[o.Forbidden-1]
		r.Forbidden = o.Step
		f.Refuse = append(f.Refuse, sandbox.RefuseRule{Status: 403, HTML: true, Match: sandbox.Match{
			Call: string(o.Step), ExternalID: r.External,
		}})
	}
}

// underWay are the creates that go on after their callers were cut off.
func (s *targetScene) underWay(call apiCall, t treatment, serve func()) {
	s.director.act(func() error {
		timer := time.NewTimer(t.lasts)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.director.ctx.Done():
		}
		serve()
		s.director.arrived(call.request)
		return nil
	})
}
