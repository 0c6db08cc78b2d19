//go:build linux

// Pst measures taking the mail out of PST files, side by side with readpst and
// pffexport, on a real file and on a generated one.
//
//	go run ./bench/pst -waybill bin/waybill -pst largest.pst
//
// Each program writes one file per message into an empty directory; then the
// directory is renamed, because after the removal of thousands of files making
// files is slow for a while. "decoding" is Waybill's reading and converting of all
// items without writing anything, "cp -r" the writing of the very files that
// Waybill wrote, without decoding. The output is a Markdown table for each file and
// number of cores; the times are medians over the rounds.
//
//	-waybill PROGRAM   what to measure (bin/waybill)
//	-pst LIST          real files, with commas between them (none)
//	-generate MB       size of the generated file, 0: none (2000)
//	-messages N        items of the generated file (40000)
//	-folders N         folders of the generated file (200)
//	-tools LIST        decoding,waybill,readpst,readpst0,pffexport,cp; those that are
//	                   not installed are left out. readpst0 is readpst -j 0, without
//	                   its parallel jobs, as readpst is on one core
//	-cores LIST        numbers of cores (2,1)
//	-rounds N          (3)
//	-repeat N          runs on a real file in one measurement, since it is small (20)
//	-dir DIR           where the files go (a temporary folder); a generated file
//	                   that is there already is used again. On a disk Waybill waits
//	                   until each file is durable, and the others do not: a directory
//	                   in memory (/dev/shm) compares the programs without the disk
//
// Exit code 1 when something could not be run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
)

// settings are the flags.
type settings struct {
	waybill, real, tools, cores, dir           string
	generate, messages, folders, rounds, again int
	decode                                     string
	profile, allocations                       string
}

func main() {
	var s settings
	flag.StringVar(&s.waybill, "waybill", "bin/waybill", "program to measure")
	flag.StringVar(&s.real, "pst", "", "real files")
	flag.StringVar(&s.tools, "tools", "decoding,waybill,readpst,readpst0,pffexport,cp", "what to run")
	flag.StringVar(&s.cores, "cores", "2,1", "numbers of cores")
	flag.StringVar(&s.dir, "dir", "", "where the files go")
	flag.IntVar(&s.generate, "generate", 2000, "size of the generated file in MB")
	flag.IntVar(&s.messages, "messages", 40_000, "items of the generated file")
	flag.IntVar(&s.folders, "folders", 200, "folders of the generated file")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds")
	flag.IntVar(&s.again, "repeat", 20, "runs on a real file in one measurement")
	flag.StringVar(&s.decode, "decode", "", "decode this file only (what a measurement starts)")
	flag.StringVar(&s.profile, "cpuprofile", "", "with -decode: write a profile")
	flag.StringVar(&s.allocations, "memprofile", "", "with -decode: write a profile of what is allocated")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if s.decode != "" {
		err = decodeProfiled(ctx, s)
	} else {
		err = run(ctx, s)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pst:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	kept := s.dir != ""
	if !kept {
		if s.dir, err = os.MkdirTemp("", "wbpst"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	}
	if s.waybill, err = filepath.Abs(s.waybill); err != nil {
		return err
	}
	b := bench{settings: s}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	var failed []error
	for file := range strings.SplitSeq(s.real, ",") {
		if file == "" {
			continue
		}
		file, err := filepath.Abs(file)
		if err == nil {
			err = b.compare(ctx, file, s.again)
		}
		failed = append(failed, err)
	}
	if s.generate > 0 {
		file, err := b.generated()
		if err == nil {
			err = b.compare(ctx, file, 1)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// generated makes the large file, or finds it.
func (b *bench) generated() (string, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("generated-%d-%d-%d.pst", b.generate, b.messages, b.folders))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	// What is not attachments is texts, tables and trees, some 12 kB for an item.
	bytes := max(int64(b.generate)*1_000_000-int64(b.messages)*12_000, 0)
	_, err := sample.Write(path+".part", sample.Options{
		Options:  pstwrite.Options{Encryption: pstwrite.Permute},
		Messages: b.messages, Folders: b.folders, Bytes: bytes, BasicPlane: true,
		Each: func(sample.Item) error { return nil },
	})
	if err != nil {
		return "", err
	}
	return path, os.Rename(path+".part", path)
}

// numbers reads a list of numbers.
func numbers(list string) ([]int, error) {
	var all []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: want numbers, with commas between them", list)
		}
		all = append(all, n)
	}
	return all, nil
}
