package migrationfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Defaults of PlanOptions.
const (
	DefaultBatchRecords  = 50
	DefaultMaxBatchBytes = 1 << 20
)

// PlanOptions say how records are cut into batches.
type PlanOptions struct {
	Records       int  // a batch has at most; 0: DefaultBatchRecords
	MaxBatchBytes int  // a batch of more than one record has at most; 0: DefaultMaxBatchBytes
	Waves         bool // false: one wave of everything
}

// Batch is a range of consecutive records, fixed for the life of a migration.
type Batch struct {
	Number int   `json:"number"` // from 1
	First  int   `json:"first"`  // number of its first record
	Count  int   `json:"count"`  // records
	Offset int64 `json:"offset"` // in records.ndjson
	Length int64 `json:"length"` // bytes
}

// Last is the number of the batch's last record.
func (b Batch) Last() int { return b.First + b.Count - 1 }

// Wave is a range of consecutive batches that must do well before the next
// wave is started.
type Wave struct {
	Number     int `json:"number"` // from 1
	FirstBatch int `json:"firstBatch"`
	LastBatch  int `json:"lastBatch"`
	Records    int `json:"records"`
}

// Plan is the content of batches.json.
type Plan struct {
	Batches []Batch `json:"batches"`
	Waves   []Wave  `json:"waves"`
}

// PlanBatches cuts the records of an index into batches and these into waves:
// 3 records, then the larger of 10 and 1 %, then 10 %, then the rest, as far
// as there are records; parts of a record are dropped. A wave ends where a
// batch ends.
func PlanBatches(idx *Index, opts PlanOptions) ([]Batch, []Wave) {
	if opts.Records <= 0 {
		opts.Records = DefaultBatchRecords
	}
	if opts.MaxBatchBytes <= 0 {
		opts.MaxBatchBytes = DefaultMaxBatchBytes
	}
	p := planner{opts: opts, ends: waveEnds(idx.Records(), opts.Waves)}
	for length := range idx.Lengths() {
		p.add(length)
	}
	return p.plan.Batches, p.plan.Waves
}

// waveEnds gives the number of the last record of each wave.
func waveEnds(records int, waves bool) []int {
	if records == 0 {
		return nil
	}
	if !waves {
		return []int{records}
	}
	var ends []int
	end := 0
	for _, size := range []int{3, max(10, records/100), max(1, records/10), records} {
		if end == records {
			break
		}
		end = min(end+size, records)
		ends = append(ends, end)
	}
	return ends
}

// planner takes one record after the other.
type planner struct {
	opts    PlanOptions
	ends    []int
	plan    Plan
	records int
	offset  int64
	fresh   bool // the last batch is full
}

func (p *planner) add(length int64) {
	last := len(p.plan.Batches) - 1
	if last < 0 || p.fresh || p.full(p.plan.Batches[last], length) {
		p.plan.Batches = append(p.plan.Batches, Batch{
			Number: last + 2, First: p.records + 1, Offset: p.offset,
		})
		last++
		p.fresh = false
	}
	b := &p.plan.Batches[last]
	b.Count++
	b.Length += length
	p.records++
	p.offset += length
	if p.records == p.ends[0] {
		p.endWave(b.Number)
	}
}

func (p *planner) full(b Batch, length int64) bool {
	return b.Count >= p.opts.Records || b.Length+length > int64(p.opts.MaxBatchBytes)
}

func (p *planner) endWave(lastBatch int) {
	p.fresh, p.ends = true, p.ends[1:]
	w := Wave{Number: len(p.plan.Waves) + 1, FirstBatch: 1, LastBatch: lastBatch}
	if n := len(p.plan.Waves); n > 0 {
		w.FirstBatch = p.plan.Waves[n-1].LastBatch + 1
	}
	for _, b := range p.plan.Batches[w.FirstBatch-1 : lastBatch] {
		w.Records += b.Count
	}
	p.plan.Waves = append(p.plan.Waves, w)
}

// EncodePlan writes batches.json.
func EncodePlan(w io.Writer, p Plan) error {
	if err := json.NewEncoder(w).Encode(p); err != nil {
		return fmt.Errorf("write batches: %w", err)
	}
	return nil
}

// DecodePlan reads batches.json and makes sure that batches and waves follow
// each other without a gap.
func DecodePlan(r io.Reader) (Plan, error) {
	var p Plan
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("read batches: %w", err)
	}
	if !p.whole() {
		return Plan{}, errors.New("read batches: batches or waves don't follow each other")
	}
	return p, nil
}

func (p Plan) whole() bool {
	record, offset := 1, int64(0)
	for i, b := range p.Batches {
		if b.Number != i+1 || b.First != record || b.Offset != offset || b.Count < 1 || b.Length < 1 {
			return false
		}
		record += b.Count
		offset += b.Length
	}
	batch := 1
	for i, w := range p.Waves {
		if w.Number != i+1 || w.FirstBatch != batch || w.LastBatch < w.FirstBatch {
			return false
		}
		batch = w.LastBatch + 1
	}
	return batch == len(p.Batches)+1
}
