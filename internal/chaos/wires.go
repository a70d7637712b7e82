package chaos

import (
	"context"
	"fmt"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2" //nolint:depguard // a runner of faults is a test that is a program
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Net is what can be wrong with a worker's network.
type Net int

// The troubles of the network. A reset connection is refused by a RST as soon
// as something is sent over it; short ones end in the middle of an answer.
const (
	NetTemporalCut Net = iota
	NetTargetReset
	NetTargetShort
	NetStoreReset
)

// wires are the connections of the workers, on which toxics can be put. Keep
// alive stays on: what a cut connection carried must be sent again.
type wires struct {
	temporal, target, store *toxiproxy.Proxy
}

func newWires(temporal, target, store string) (*wires, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	wire := func(name, to string) *toxiproxy.Proxy { return toxiproxy.NewProxy(server, name, "127.0.0.1:0", to) }
	w := &wires{temporal: wire("temporal", temporal), target: wire("target", target), store: wire("store", store)}
	for _, p := range w.all() {
		if err := p.Start(); err != nil {
			w.close()
			return nil, fmt.Errorf("proxy of %s: %w", p.Name, err)
		}
	}
	return w, nil
}

func (w *wires) all() []*toxiproxy.Proxy { return []*toxiproxy.Proxy{w.temporal, w.target, w.store} }

func (w *wires) close() {
	for _, p := range w.all() {
		p.Stop()
	}
}

// trouble puts a toxic on a wire; mend takes it off.
func (w *wires) trouble(n Net) (mend func(), err error) {
	p, toxic := w.temporal, `{"name":"fault","type":"reset_peer","stream":%q,"attributes":{"timeout":0}}`
	switch n {
	case NetTemporalCut:
	case NetTargetReset:
		p = w.target
	case NetStoreReset:
		p = w.store
	case NetTargetShort:
		p, toxic = w.target, `{"name":"fault","type":"limit_data","stream":%q,"attributes":{"bytes":300}}`
	}
	stream := "upstream"
	if n == NetTargetShort {
		stream = "downstream"
	}
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(toxic, stream))); err != nil {
		return nil, fmt.Errorf("proxy of %s: %w", p.Name, err)
	}
	return func() { _ = p.Toxics.RemoveToxic(context.Background(), "fault") }, nil
}
