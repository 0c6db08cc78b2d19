package test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"waybill/imap/imaptest"
	"waybill/internal/counterpart"
)

// forward lets a server be reached at another address of this machine, one that
// its certificate does not name.
func forward(t *testing.T, at, upstream string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", at+":0")
	if err != nil {
		t.Skipf("this machine has no address %s: %v", at, err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	group.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				_ = client.Close()
				continue
			}
			for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
				group.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				})
			}
		}
	})
	return l.Addr().String()
}

// TestLogonTLS refuses whatever would send a password to somebody else.
func TestLogonTLS(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{TLS: true, Users: map[string]string{"anna": "secret"}})
	d.Seed(t, "anna", counterpart.SeedOptions{Messages: 5, Folders: 2})
	starttls := "imap://anna@" + d.Addr + "/"
	implicit := "imaps://anna@" + d.TLSAddr + "/"

	without := imaptest.Start(t, "", imaptest.Capability("AUTH=PLAIN"), imaptest.OK("LOGOUT"))
	stripped := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready", imaptest.Exchange{Want: "(CAPABILITY|LOGOUT)", Answer: "$TAG OK done\r\n", Repeat: true})
	known := imaptest.Start(t, "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome anna", imaptest.Exchange{Want: "LOGOUT", Answer: "$TAG OK done\r\n", Repeat: true})
	inject := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready",
		imaptest.Exchange{Want: "STARTTLS", Answer: "$TAG OK go ahead\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nW2 OK done\r\n"})

	for _, c := range []struct {
		name, location string
		code           int
		words          []string
		more           []string
	}{
		{"STARTTLS", starttls, 0, []string{"anna"}, []string{"--tls-ca", d.CAFile}},
		{"TLS from the start", implicit, 0, []string{"anna"}, []string{"--tls-ca", d.CAFile}},
		{"an unknown authority", starttls, 2, []string{"imap.tls.authority", "--tls-ca"}, nil},
		{"an unknown authority, TLS from the start", implicit, 2, []string{"imap.tls.authority", "--tls-ca"}, nil},
		{"anybody", implicit, 0, []string{"warning", "is not verified"}, []string{"--tls-insecure"}},
		{"another name", "imaps://anna@" + forward(t, "127.0.0.2", d.TLSAddr) + "/", 2, []string{"imap.tls.name", "127.0.0.2"}, []string{"--tls-ca", d.CAFile}},
		{"no STARTTLS", "imap://anna@" + without.Addr() + "/", 2, []string{"STARTTLS"}, nil},
		{"STARTTLS taken out", "imap://anna@" + stripped.Addr() + "/", 2, []string{"STARTTLS"}, nil},
		{"logged on before TLS", "imap://anna@" + known.Addr() + "/", 2, []string{"TLS"}, nil},
		{"words slipped in before TLS", "imap://anna@" + inject.Addr() + "/", 2, []string{"TLS"}, nil},
		{"plain to another machine", "imap://anna@192.0.2.1/?tls=none", 64, []string{"--plain-forced"}, nil},
		{"TLS with one who does not speak it", "imaps://anna@" + d.Addr + "/", 2, []string{"TLS"}, []string{"--tls-ca", d.CAFile}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newErrand(t)
			e.env = []string{"WAYBILL_SOURCE_PASSWORD=secret"}
			e.ends(c.code, c.words, append(c.more, "ls", c.location)...)
		})
	}
	t.Cleanup(func() {
		for _, s := range []*imaptest.Server{without, stripped, known, inject} {
			if all := strings.Join(s.Commands(), "\n"); strings.Contains(all, "AUTHENTICATE") || strings.Contains(all, "LOGIN") {
				t.Errorf("a password was sent in the clear: %s", all)
			}
		}
	})
}
