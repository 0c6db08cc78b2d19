package msg

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"waybill/format/mapi"
)

// script lets the library under msgconvert list what it makes attachments of. One process
// reads all files, as starting Perl takes longer than reading.
const script = `
use strict; no warnings;
use Email::Outlook::Message; use Digest::SHA qw(sha256_hex);
$SIG{__WARN__} = sub {};
while (my $f = <STDIN>) { chomp $f;
  my $m = eval { Email::Outlook::Message->new($f) };
  if (!$m) { print "$f\tfailed\n"; next }
  my $line = "$f\tok";
  for my $a (@{$m->{ATTACHMENTS}}) {
    my $d = defined $a->{DATA} ? $a->{DATA} : "";
    $line .= "\t$a->{MIMETYPE}:" . length($d) . ":" . (eval { sha256_hex($d) } // "wide");
  }
  print "$line\n";
}`

// TestAttachmentsAsMsgconvert compares attachments by SHA-256. Of embedded messages, which
// it turns into text, and of objects, which it packs in its own way, there must be as many.
func TestAttachmentsAsMsgconvert(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "perl", "-MEmail::Outlook::Message", "-e", "1").Run(); err != nil {
		t.Skip("msgconvert is not installed (package libemail-outlook-message-perl)")
	}
	names, paths := map[string]string{}, []string{}
	samples(t, func(name, path string) {
		names[path] = name
		paths = append(paths, path)
	})
	cmd := exec.CommandContext(t.Context(), "perl", "-e", script)
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	equal, messages, objects, files := 0, 0, 0, 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if fields[1] != "ok" {
			t.Logf("%s: msgconvert fails", names[fields[0]])
			continue
		}
		m, err := open(t, fields[0])
		if err != nil {
			t.Errorf("%s: %v", names[fields[0]], err)
			continue
		}
		files++
		ours := digests(t, m)
		for _, theirs := range fields[2:] {
			key := theirs[strings.Index(theirs, ":")+1:]
			switch {
			case ours[key] > 0:
				equal++
			case strings.HasPrefix(theirs, "message/rfc822:") && ours["message"] > 0:
				key = "message"
				messages++
			case ours["object"] > 0:
				key = "object"
				objects++
			default:
				t.Errorf("%s: %s is not among ours: %v", names[fields[0]], theirs, ours)
			}
			ours[key]--
		}
		for key, n := range ours {
			if n > 0 {
				t.Errorf("%s: %d times %s, which msgconvert does not have", names[fields[0]], n, key)
			}
		}
	}
	t.Logf("%d files, %d attachments equal, %d embedded messages, %d objects", files, equal, messages, objects)
	if files < 150 || equal < 80 {
		t.Errorf("only %d files with %d attachments were compared", files, equal)
	}
}

// digests counts attachments: length and SHA-256 of those by value.
func digests(t *testing.T, m mapi.Message) map[string]int {
	all := map[string]int{}
	attachments, err := m.Attachments(t.Context())
	if err != nil {
		t.Error(err)
	}
	for _, a := range attachments {
		embedded, err := a.Message(t.Context())
		if err != nil {
			t.Error(err)
		}
		object, err := a.Storage(t.Context())
		if err != nil {
			t.Error(err)
		}
		switch v, _ := a.Props().Get(mapi.AttachData); {
		case embedded != nil:
			all["message"]++
		case object != nil:
			all["object"]++
		default:
			h, n := sha256.New(), int64(0)
			if v.Data != nil {
				r, err := v.Data.Open()
				if err != nil {
					t.Error(err)
					continue
				}
				if n, err = io.Copy(h, r); err != nil {
					t.Error(err)
				}
				_ = r.Close()
			}
			all[fmt.Sprintf("%d:%s", n, hex.EncodeToString(h.Sum(nil)))]++
		}
	}
	return all
}
