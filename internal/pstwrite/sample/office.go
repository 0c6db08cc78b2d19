package sample

import (
	"fmt"
	"os"
	"path/filepath"
)

// Users names n users of an office.
func Users(n int) []string {
	all := make([]string, 0, n)
	names := []string{"anna", "boris", "chiara", "dmitri", "elena", "farid", "greta", "hiro", "ines", "jonas"}
	for i := range n {
		name := names[i%len(names)]
		if i >= len(names) {
			name = fmt.Sprintf("%s%d", name, i/len(names)+1)
		}
		all = append(all, name)
	}
	return all
}

// Office makes dir/USER.pst for each user, each with a content of its own, and
// tells what is in them, by user.
func Office(dir string, users []string, o Options) (map[string]*Manifest, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	all := make(map[string]*Manifest, len(users))
	for i, user := range users {
		one := o
		one.Owner, one.StoreName, one.Seed = user, "Mailbox of "+user, o.Seed*1000003+uint64(i)+1
		m, err := Write(filepath.Join(dir, user+".pst"), one)
		if err != nil {
			return nil, err
		}
		all[user] = m
	}
	return all, nil
}
