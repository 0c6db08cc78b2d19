package counterpart

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Direction is where bytes go.
type Direction string

// ToServer are the bytes that the client sends, ToClient those that it gets.
const (
	ToServer Direction = "upstream"
	ToClient Direction = "downstream"
)

// Proxy stands between a client and a server and breaks their connections as it
// is told. What it is told holds for the connections there are and for those to
// come, until Heal.
type Proxy struct {
	Addr string // for the client to connect to; stays the same over Down and Up

	t testing.TB
	p *toxiproxy.Proxy
}

// NewProxy starts a proxy before the server at upstream. It ends with the test.
func NewProxy(t testing.TB, upstream string) *Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "proxy", "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &Proxy{Addr: p.Listen, t: t, p: p}
}

func (p *Proxy) add(kind string, d Direction, attributes map[string]any) {
	p.t.Helper()
	b, err := json.Marshal(map[string]any{"name": kind + string(d), "type": kind, "stream": d, "toxicity": 1.0, "attributes": attributes})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.p.Toxics.AddToxicJson(strings.NewReader(string(b))); err != nil {
		p.t.Fatal(err)
	}
}

// Cut closes every connection after so many more bytes in that direction, in
// the middle of whatever they are.
func (p *Proxy) Cut(after int64, d Direction) {
	p.t.Helper()
	p.add("limit_data", d, map[string]any{"bytes": after})
}

// Stall loses every byte in that direction from now on, and leaves the
// connections open.
func (p *Proxy) Stall(d Direction) {
	p.t.Helper()
	p.add("timeout", d, map[string]any{"timeout": 0})
}

// Latency delays what goes in that direction.
func (p *Proxy) Latency(delay time.Duration, d Direction) {
	p.t.Helper()
	p.add("latency", d, map[string]any{"latency": delay.Milliseconds()})
}

// Bandwidth bounds what goes in that direction, in KB a second.
func (p *Proxy) Bandwidth(rate int64, d Direction) {
	p.t.Helper()
	p.add("bandwidth", d, map[string]any{"rate": rate})
}

// ResetPeer answers the next bytes in that direction with a reset (RST).
func (p *Proxy) ResetPeer(d Direction) {
	p.t.Helper()
	p.add("reset_peer", d, map[string]any{"timeout": 0})
}

// Heal ends what was done by the methods above; connections that were stalled
// are closed.
func (p *Proxy) Heal() {
	p.p.Toxics.ResetToxics(context.Background())
}

// Down closes all connections and refuses new ones, until Up.
func (p *Proxy) Down() { p.p.Stop() }

// Up accepts connections again at the same address.
func (p *Proxy) Up() {
	p.t.Helper()
	if err := p.p.Start(); err != nil {
		p.t.Fatal(err)
	}
}
