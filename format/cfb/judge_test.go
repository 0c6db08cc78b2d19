package cfb

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script lists the tree as another library reads it.
const script = `
use strict; use warnings;
use OLE::Storage_Lite; use Digest::SHA qw(sha256_hex);
sub walk { my ($n, $path) = @_;
  for my $c (@{$n->{Child} || []}) {
    my $name = $path . "/" . OLE::Storage_Lite::Ucs2Asc($c->{Name});
    if ($c->{Type} == 2) { print "$name " . sha256_hex(defined $c->{Data} ? $c->{Data} : "") . "\n" }
    else { print "$name/\n"; walk($c, $name) }
  }
}
walk(OLE::Storage_Lite->new($ARGV[0])->getPpsTree(1), "");`

// TestAnotherReader lets Perl's OLE::Storage_Lite read what is packed.
func TestAnotherReader(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "perl", "-MOLE::Storage_Lite", "-e", "1").Run(); err != nil {
		t.Skip("Perl's OLE::Storage_Lite is not installed (package libole-storage-lite-perl)")
	}
	root, _ := office(t)
	for i := range 100 {
		root.Children = append(root.Children, &Node{Name: fmt.Sprintf("n%d", i), Data: memory(strings.Repeat("x", i*97))})
	}
	root.Children = append(root.Children, &Node{Name: "many sectors", Data: memory(strings.Repeat("0123456789abcdef", 500_000))})
	path := filepath.Join(t.TempDir(), "packed.bin")
	if err := os.WriteFile(path, pack(t, root), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "perl", "-e", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := listed(t, root, "")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d entries, want %d: %.500q", len(got), len(want), got)
	}
}

func listed(t *testing.T, n *Node, path string) (all []string) {
	for _, c := range n.Children {
		name := path + "/" + c.Name
		if c.Data == nil {
			all = append(append(all, name+"/"), listed(t, c, name)...)
			continue
		}
		all = append(all, fmt.Sprintf("%s %x", name, sha256.Sum256(contents(t, c.Data))))
	}
	return all
}
