// Package image measures what gorun adds to `docker run` of an unchanged
// program, beside the program alone in the same container:
//
//	go test -run=- -bench=. -count=15 ./bench/image
//
// On a quiet machine the medians should lie no more than 50 ms apart.
package image
