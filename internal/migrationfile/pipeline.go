package migrationfile

import (
	"cmp"
	"errors"
	"io"
	"sync"
)

// pipeline runs the stages side by side: one goroutine cuts the source into
// blocks, workers check them in any order, and the caller's collects them in
// the file's. There is a fixed number of blocks, which bounds the memory and
// how far reading is ahead.
type pipeline struct {
	split *splitter
	free  chan *block // to be filled
	work  chan *block // to be checked
	order chan *block // as work, for the collector
	stop  chan struct{}

	// The reader's, for others once order is closed.
	err      error
	panicked any
}

func newPipeline(split *splitter, workers int) *pipeline {
	blocks := 3*workers + 2 // one in each hand, and as many before and after it
	p := &pipeline{
		split: split,
		free:  make(chan *block, blocks),
		work:  make(chan *block, blocks),
		order: make(chan *block, blocks),
		stop:  make(chan struct{}),
	}
	for range blocks {
		p.free <- newBlock()
	}
	return p
}

// run calls collect with every block, checked, in file order. Each checker
// gets a goroutine; all have ended when run returns. Its error is the first of
// collect or of the source. What panics in a goroutine does so here.
func (p *pipeline) run(checkers []*checker, collect func(*block) error) error {
	var running sync.WaitGroup
	running.Go(p.read)
	for _, c := range checkers {
		running.Go(func() {
			for b := range p.work {
				checkBlock(c, b)
			}
		})
	}
	panicked, err := p.collect(collect)
	running.Wait()
	if panicked = cmp.Or(panicked, p.panicked); panicked != nil {
		panic(panicked)
	}
	return cmp.Or(err, p.err)
}

func (p *pipeline) read() {
	defer close(p.work)
	defer close(p.order)
	defer func() {
		if v := recover(); v != nil {
			p.panicked = v
		}
	}()
	for {
		var b *block
		select {
		case <-p.stop:
			return
		case b = <-p.free:
		}
		b.reset()
		err := p.split.fill(b)
		if err != nil && !errors.Is(err, io.EOF) {
			p.err = err
			return
		}
		p.order <- b
		p.work <- b
		if err != nil {
			return
		}
	}
}

func checkBlock(c *checker, b *block) {
	defer func() {
		b.panicked = recover()
		b.done <- struct{}{}
	}()
	c.checkBlock(b)
}

// collect goes on to the last block after an error, too, which empties the
// channels.
func (p *pipeline) collect(collect func(*block) error) (panicked any, err error) {
	stopped := false
	for b := range p.order {
		<-b.done
		if !stopped {
			if panicked = b.panicked; panicked == nil {
				err = collect(b)
			}
			if stopped = err != nil || panicked != nil; stopped {
				close(p.stop)
			}
		}
		p.free <- b
	}
	return panicked, err
}
