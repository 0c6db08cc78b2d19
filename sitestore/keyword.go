package sitestore

import (
	"context"
	"strings"
	"sync"

	"waybill/mail"
)

// maxKeywordSets bounds how many combinations of keywords are remembered.
const maxKeywordSets = 4096

// keywordCache remembers which combination of keywords has which number. Rows
// of that table never change, so that a remembered one is always right.
type keywordCache struct {
	mu    sync.RWMutex
	words map[int64][]string
	ids   map[string]int64
}

func (c *keywordCache) put(id int64, joined string) []string {
	words := strings.Split(joined, "\x00")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.words == nil || len(c.words) >= maxKeywordSets {
		c.words, c.ids = map[int64][]string{}, map[string]int64{}
	}
	c.words[id], c.ids[joined] = words, id
	return words
}

// keywordID finds or makes the number of a combination of keywords.
func (t *tx) keywordID(set mail.FlagSet, fresh map[int64]string) (int64, error) {
	if len(set.Keywords) == 0 {
		return 0, nil
	}
	joined := strings.Join(set.Keywords, "\x00")
	t.s.keywords.mu.RLock()
	id, known := t.s.keywords.ids[joined]
	t.s.keywords.mu.RUnlock()
	if known {
		return id, nil
	}
	found, err := t.Get(`SELECT id FROM keyword_set WHERE words = ?`, []any{[]byte(joined)}, &id)
	if err == nil && !found {
		id, err = t.Insert(`INSERT INTO keyword_set (words) VALUES (?)`, []byte(joined))
	}
	if err == nil {
		// Remembered only when the change is durable: the row may yet be undone.
		fresh[id] = joined
	}
	return id, err
}

// keywordsOf gives the keywords of a number.
func (s *Store) keywordsOf(ctx context.Context, id int64) ([]string, error) {
	if id == 0 {
		return nil, nil
	}
	s.keywords.mu.RLock()
	words, known := s.keywords.words[id]
	s.keywords.mu.RUnlock()
	if known {
		return append([]string(nil), words...), nil
	}
	var joined []byte
	found, err := s.index.Row(ctx, "read keywords", `SELECT words FROM keyword_set WHERE id = ?`, []any{id}, &joined)
	if err != nil || !found {
		return nil, err
	}
	return append([]string(nil), s.keywords.put(id, string(joined))...), nil
}

// remember keeps new combinations once they are durable.
func (s *Store) remember(fresh map[int64]string) {
	for id, joined := range fresh {
		s.keywords.put(id, joined)
	}
}
