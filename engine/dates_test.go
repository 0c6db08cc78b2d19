package engine_test

import (
	"context"
	"testing"
	"time"

	"waybill/connector/fake"
	"waybill/engine"
	"waybill/mail"
)

// TestDatesLeaveOutAndCount moves a stretch of time first and the rest by a
// later run: what is left out is in the sum, and nothing arrives twice.
func TestDatesLeaveOutAndCount(t *testing.T) {
	b := newBench(t, fake.Options{})
	for day := 1; day <= 10; day++ {
		b.src.AddMessage("anna", mail.Inbox, fake.Message{Body: []byte("Subject: x\r\n\r\nx\r\n"), Date: time.Date(2001, 1, day, 12, 0, 0, 0, time.UTC)})
	}
	b.src.AddMessage("anna", mail.Inbox, fake.Message{Body: []byte("Subject: undated\r\n\r\nx\r\n")})
	b.options.Dates = engine.DateRange{Since: time.Date(2001, 1, 3, 0, 0, 0, 0, time.UTC), Before: time.Date(2001, 1, 6, 12, 0, 0, 0, time.UTC)}
	for run := range 2 { // the 3rd, 4th, 5th and the one without a date
		if o := b.run(context.Background()); o.err != nil {
			t.Fatalf("run %d: %+v, error %v", run, o.result, o.err)
		}
		if w := b.account(); w.Found != 11 || w.Verified != 4 || w.Open != 0 || w.Exit != 0 {
			t.Fatalf("waybill of run %d: %+v", run, w)
		}
	}
	b.options.Dates = engine.DateRange{}
	if o := b.run(context.Background()); o.err != nil {
		t.Fatal(o.err)
	}
	if w := b.account(); w.Found != 11 || w.Verified != 11 {
		t.Fatalf("waybill without a range: %+v", w)
	}
	if got := len(b.dst.Messages("anna", mail.Inbox)); got != 11 {
		t.Errorf("%d messages in the target", got)
	}
}

func TestDateRange(t *testing.T) {
	since, before := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC)
	both := engine.DateRange{Since: since, Before: before}
	for _, c := range []struct {
		r    engine.DateRange
		date time.Time
		out  bool
	}{
		{both, since, false}, {both, since.Add(-1), true}, {both, before, true}, {both, before.Add(-1), false}, {both, time.Time{}, false},
		{engine.DateRange{Since: since}, before, false}, {engine.DateRange{Before: before}, since.AddDate(-50, 0, 0), false},
		{engine.DateRange{}, since, false},
	} {
		if got := c.r.Excludes(c.date); got != c.out {
			t.Errorf("%s leaves out %s: %v", c.r.Reason(), c.date, got)
		}
	}
}
