package ledger_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"waybill/ledger"
	"waybill/ledger/queuetest"
)

func TestQueueConformance(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, now func() time.Time) queuetest.Store {
		l, err := ledger.Open(context.Background(), filepath.Join(t.TempDir(), "queue.ledger"), ledger.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Check(context.Background()); err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l
	})
}
