package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// beatEvery is how often a silent stream says that it is alive, so that
	// proxies keep it and a browser that is gone is noticed.
	beatEvery = 15 * time.Second
	// sendIn is how long a browser may take to take in one message. A slower one
	// is cut off and comes back by itself.
	sendIn = 10 * time.Second
	// accessEvery is how often a silent stream looks whether its reader may still
	// read.
	accessEvery = 2 * time.Second
)

// stream is one browser that listens.
type stream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	sent map[string]string // hash of each region
}

// stream serves server-sent events until the browser leaves: tell is called
// for every piece of news and says whether there will be more.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, l *listener, tell func(*stream) (more bool, err error)) {
	leave, err := s.open.take(s.whose(r))
	if full, is := errors.AsType[*fullError](err); is {
		retryAfter(w.Header(), full.again)
		http.Error(w, full.says, full.status)
		return
	}
	defer leave()
	s.streams.Add(1)
	defer s.streams.Done()
	out := &stream{w: w, ctl: http.NewResponseController(w), sent: map[string]string{}}
	// Nothing is to be read; the end of a deadline would look like a browser that leaves.
	_ = out.ctl.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // for nginx
	if out.write("retry: 2000\n\n") != nil {
		return
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	access := time.NewTicker(accessEvery)
	defer access.Stop()
	for u := userOf(r); s.fence.door.still(u); {
		var err error
		more := true
		select {
		case <-access.C:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-beat.C:
			err = out.write(": alive\n\n")
		case <-l.news:
			more, err = tell(out)
		}
		if err != nil || !more {
			return
		}
	}
}

func (o *stream) write(text string) error {
	_ = o.ctl.SetWriteDeadline(time.Now().Add(sendIn))
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.ctl.Flush()
}

// send tells of the regions that are not as the browser has them.
func (o *stream) send(regions []region) error {
	for _, part := range regions {
		if o.sent[part.Name] == part.Hash {
			continue
		}
		body, err := json.Marshal(part)
		if err != nil {
			return err
		}
		if err := o.write(fmt.Sprintf("event: region\ndata: %s\n\n", body)); err != nil {
			return err
		}
		o.sent[part.Name] = part.Hash
	}
	return nil
}

// over tells the browser that there is nothing more to come.
func (o *stream) over() error { return o.write("event: over\ndata: {}\n\n") }
