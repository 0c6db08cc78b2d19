// Command waybill moves whole mail systems.
package main

import (
	"os"

	"waybill/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
