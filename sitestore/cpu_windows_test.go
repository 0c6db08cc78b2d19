package sitestore_test

func cpuTime() int64 { return 0 }
