package outlook

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"

	"waybill/failure"
	"waybill/inspect"
)

// maxTree bounds the files of a directory that are told of one by one.
const maxTree = 10_000

// lookTree looks into every PST and OST below a directory.
func lookTree(ctx context.Context, what, dir string) (*inspect.Report, error) {
	all := &inspect.Report{Title: what, Kind: "a directory of Outlook's files"}
	files, whole := 0, 0
	var size int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return failure.New(failure.Cancelled, "inspect", dir, "cancelled", ctx.Err())
		}
		if err != nil {
			all.Find(inspect.Finding{Severity: inspect.Fault, Rule: "inspect.read", Where: path, Text: err.Error(), Private: true})
			return nil
		}
		if ext := filepath.Ext(path); !d.Type().IsRegular() || !alike(ext, ".pst") && !alike(ext, ".ost") {
			return nil
		}
		if files++; files > maxTree {
			return failure.New(failure.TooLarge, "inspect", dir, "inspect.files", nil).WithRemedy("look into one directory below it at a time")
		}
		one, ok, err := lookFile(ctx, path, path, false)
		if err != nil {
			if failure.ClassOf(err) == failure.Cancelled {
				return err
			}
			all.Find(finding(err, inspect.Fault))
			return nil
		}
		if !ok {
			all.Find(inspect.Finding{Severity: inspect.Fault, Rule: "pst.magic", Where: path, Text: "it has the name of a PST or OST, and is none", Private: true})
			return nil
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		if worst, _ := one.Worst(); worst == inspect.Note {
			whole++
		}
		join(all, one, path)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if files == 0 {
		all.Find(inspect.Finding{Severity: inspect.Warning, Rule: "inspect.empty", Text: "no file below it ends in .pst or .ost"})
	}
	all.Facts = append([]inspect.Fact{
		{Name: "files", Value: list(number(int64(files)), number(int64(whole))+" of them sound")},
		{Name: "size", Value: amount(size)},
	}, all.Facts...)
	return all, nil
}

// join adds what was found in one file to the report of all.
func join(all, one *inspect.Report, path string) {
	words := []string{one.Kind}
	for _, f := range one.Facts {
		switch f.Name {
		case "encryption", "items", "dates":
			words = append(words, f.Name+" "+f.Value)
		}
	}
	all.PrivateFact(filepath.Base(path), "%s", strings.Join(words, "; "))
	for _, f := range one.Findings {
		if f.Severity == inspect.Note {
			continue
		}
		f.Where, f.Private = list(path, f.Where), true
		all.Find(f)
	}
	for rule, n := range one.More {
		if all.More == nil {
			all.More = map[string]int{}
		}
		all.More[rule] += n
	}
}
