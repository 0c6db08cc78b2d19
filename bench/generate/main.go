// Generate writes Maildirs for measurements.
//
//	go run ./bench/generate -out DIR -mailboxes 20 -messages 40000
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"waybill/bench/maildirs"
)

func main() {
	out := flag.String("out", "", "folder to write into")
	var o maildirs.Options
	flag.IntVar(&o.Mailboxes, "mailboxes", 20, "number of mailboxes")
	flag.IntVar(&o.Messages, "messages", 20_000, "number of messages in all mailboxes together")
	flag.IntVar(&o.Folders, "folders", 6, "folders in each mailbox besides the inbox")
	flag.StringVar(&o.Profile, "profile", "office", "sizes: office, small, big")
	flag.Int64Var(&o.Big, "bytes", 1<<30, "size of each message of profile big")
	flag.Uint64Var(&o.Seed, "seed", 1, "another seed gives other mail")
	flag.Parse()
	if *out == "" {
		fmt.Fprintln(os.Stderr, "generate: -out is missing")
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	total, err := maildirs.Write(ctx, *out, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d messages, %.1f MB\n", *out, total.Messages, float64(total.Bytes)/1e6)
}
