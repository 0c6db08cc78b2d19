package office

import (
	"fmt"
	"strings"
	"time"
)

// series makes the mail that comes in rows: reports of the backup, orders from
// the web shop, the newsletter, and tide warnings.
func series() ([]*draft, error) {
	var out []*draft
	bremen, err := time.Parse(time.RFC3339, "2004-06-01T02:15:07+02:00")
	if err != nil {
		return nil, err
	}
	for n := range 30 {
		out = append(out, backupReport(n, bremen.AddDate(0, 0, n)))
	}
	for n := range 24 {
		out = append(out, shopOrder(n, bremen.AddDate(5, n, 3*n).Add(time.Duration(n*37)*time.Minute)))
	}
	for n := range 16 {
		out = append(out, newsletter(n, bremen.AddDate(2, 3*n, 0).Add(6*time.Hour)))
	}
	for n := range 14 {
		out = append(out, tideWarning(n, bremen.AddDate(9, n, 2*n).Add(9*time.Hour)))
	}
	return out, nil
}

func made(name string, at time.Time, header, body string, places ...place) *draft {
	return &draft{
		name: name, at: at, places: places, encoding: "8bit", options: map[string]bool{}, copies: 1,
		header: strings.Split(header, "\n"), body: strings.Split(strings.TrimRight(body, "\n"), "\n"),
	}
}

// backupReport is what cron sent each night; once the tape was full.
func backupReport(n int, at time.Time) *draft {
	status, mark := "completed", "S"
	if n%11 == 7 {
		status, mark = "FAILED: tape full", "SF"
	}
	body := fmt.Sprintf(`From the log of tonight's run:

From       To            Files       kB    Rate
/home      nst0          %5d  %7d  %4d kB/s
/srv/mail  nst0          %5d  %7d  %4d kB/s
From nst0 verified: %d blocks

amanda: dump %s
`, 8112+n*13, 2210040+n*1907, 1490+n%7, 41200+n*61, 880312+n*402, 1311+n%5, 96412+n*77, status)
	d := made(fmt.Sprintf("backup-%02d", n), at, "From: Cron Daemon <root@kogge.harbour-hale.example>\nTo: bengt.lund@harbour-hale.example\nSubject: Cron <root@kogge> /usr/local/sbin/nightly-dump\nX-Cron-Env: <SHELL=/bin/sh>\nAuto-Submitted: auto-generated",
		body, place{user: "bengt.lund", folder: "cron/kogge", flags: mark})
	return d
}

var goods = []struct {
	article, name string
	cents         int
}{
	{"410-22", "Festmacher Polyamid 22 mm, 30 m", 18990},
	{"117-08", "Schäkel verzinkt, 8 mm", 495},
	{"733-01", "Signalflaggensatz, 40 Stück", 21900},
	{"205-14", "Rettungsring mit Leine, orange", 6450},
	{"618-05", "Grünspanentferner, 5 l", 3975},
	{"902-77", "Ölzeug „Weser“, Größe XL", 15950},
}

var buyers = []struct{ name, address string }{
	{"Müller & Söhne, Schiffswerft", "einkauf@mueller-werft.example"},
	{"Baltic Tug AS", "stores@baltic-tug.example"},
	{"Segelschule Wümme", "buero@segelschule-wuemme.example"},
	{"Humber Pilots", "purser@humber-pilots.example"},
	{"Käpt’n Jörgensen", "kj@joergensen.example"},
}

// shopOrder is an order by way of the web shop, in the charset of its year.
func shopOrder(n int, at time.Time) *draft {
	g, h, b := goods[n%len(goods)], goods[(n*5+2)%len(goods)], buyers[n%len(buyers)]
	count := n%4 + 1
	body := fmt.Sprintf(`Neue Bestellung %d

Kunde:     %s
E-Mail:    %s

%3d x %s  %-36s %8.2f EUR
%3d x %s  %-36s %8.2f EUR

Summe netto: %.2f EUR
Lieferung: %s
`, 20090+n, b.name, b.address, count, g.article, g.name, float64(count*g.cents)/100, 1, h.article, h.name, float64(h.cents)/100,
		float64(count*g.cents+h.cents)/100, []string{"frei Kai", "Spedition", "Abholung Lager 3"}[n%3])
	d := made(fmt.Sprintf("order-%02d", n), at, "From: Webshop Harbour & Hale <shop@harbour-hale.example>\nTo: Verkauf <verkauf@harbour-hale.example>\nReply-To: "+b.name+" <"+b.address+">\nSubject: Bestellung "+fmt.Sprint(20090+n)+": "+g.name,
		body, place{user: "sabine.oltmanns", folder: "Bestellungen/" + fmt.Sprint(at.Year()), flags: []string{"S", "SR", "SRF"}[n%3], keywords: [][]string{nil, {"$label1"}, {"versandt", "$label4"}}[n%3]})
	d.charset = []string{"windows-1252", "utf-8", "windows-1252"}[n%3]
	d.encoding = []string{"8bit", "qp", "base64"}[n%3]
	return d
}

// newsletter is the customers' letter of each quarter, as text and as a page.
func newsletter(n int, at time.Time) *draft {
	g := goods[n%len(goods)]
	edge := fmt.Sprintf("----=_Logbuch_%d", n+1)
	price := fmt.Sprintf("%d,%02d", g.cents*9/1000, g.cents*9/10%100)
	body := fmt.Sprintf(`This is a multi-part message in MIME format.

--%[1]s
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

LOGBUCH %[2]d – Neues von Kai und Kontor

Im Angebot bis Quartalsende: %[3]s, jetzt %[4]s EUR.
Hull desk: the same article, free alongside ship.

--%[1]s
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<html><body style="font-family:Verdana"><h1>Logbuch %[2]d</h1>
<p>Im Angebot bis Quartalsende: <b>%[3]s</b>, jetzt <b>%[4]s&nbsp;&euro;</b>.</p>
<p>Hull desk: the same article, free alongside ship.</p></body></html>

--%[1]s--
`, edge, n+1, g.name, price)
	d := made(fmt.Sprintf("newsletter-%02d", n), at, fmt.Sprintf("From: Harbour & Hale Logbuch <logbuch@harbour-hale.example>\nTo: Unsere Kunden <logbuch-liste@harbour-hale.example>\nSubject: Logbuch %d: %s\nList-Id: Logbuch <logbuch.harbour-hale.example>\nList-Unsubscribe: <mailto:logbuch-weg@harbour-hale.example>\nPrecedence: bulk\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=\"%s\"", n+1, g.name, edge),
		body, place{user: "ilse.brandt", folder: "Newsletter", flags: []string{"S", "", "new"}[n%3]})
	d.charset = "utf-8"
	return d
}

// tideWarning is one of the mails that nobody reads until the water comes.
func tideWarning(n int, at time.Time) *draft {
	body := fmt.Sprintf(`Humber Tide Office

High water Albert Dock: %02d:%02d, %d.%d m above datum.
%s
Do not reply to this message.
`, (3+n*5)%24, (n*17)%60, 7+n%2, n%10, []string{"No warning in force.", "FLOOD ALERT: move goods in shed 2 to the upper floor."}[n%2])
	return made(fmt.Sprintf("tide-%02d", n), at, "From: Humber Tide Office <tides@humber-ports.example>\nTo: quay-list@humber-ports.example\nSubject: Tide bulletin "+at.Format("2 Jan 2006")+"\nPrecedence: list",
		body, place{user: "tom.hale", folder: "Quay/Tides", flags: []string{"S", "SF"}[n%2], keywords: [][]string{nil, {"flood", "$Forwarded"}}[n%2]})
}
