package report

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

const (
	sampleText   = `2026/01/02 15:04:05 handler.go:123: GET /api/v1/things/1234 200 1.25ms from 10.0.0.1 agent="curl/8.1"`
	sampleObject = `{"time":"2026-01-02T15:04:05Z","level":"info","msg":"request served","status":200,"took":1.25,"ok":true}`
)

// BenchmarkStream is the way from a Write to the destination, without pipes;
// bench/flood measures it with them.
func BenchmarkStream(b *testing.B) {
	for name, line := range map[string]string{
		"text":   sampleText + "\n",
		"object": sampleObject + "\n",
		"long":   string(bytes.Repeat([]byte("x"), 128<<10)),
	} {
		b.Run(name, func(b *testing.B) {
			block := bytes.Repeat([]byte(line), max(1, 64<<10/len(line)))
			s := NewJSON(io.Discard, nil).Stream("stdout")
			b.SetBytes(int64(len(block)))
			b.ReportAllocs()
			for b.Loop() {
				s.Write(block)
			}
		})
	}
}

// BenchmarkRecord is why appendOutput exists.
func BenchmarkRecord(b *testing.B) {
	text := []byte(sampleText)
	b.Run("appendOutput", func(b *testing.B) {
		head := []byte(`{"time":"2026-01-02T15:04:05.000000Z","level":"info","event":"output","stream":"stdout",`)
		var dst []byte
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			dst = appendOutput(dst[:0], head, text, piece{object: true})
		}
	})
	b.Run("zerolog", func(b *testing.B) {
		log := zerolog.New(io.Discard)
		now := time.Now().UTC().Format(timeFormat)
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			log.Log().Str("time", now).Str("level", "info").Str("event", "output").Str("stream", "stdout").Bytes("line", text).Send()
		}
	})
}

// BenchmarkObject is why isObject exists.
func BenchmarkObject(b *testing.B) {
	line := []byte(sampleObject)
	b.Run("isObject", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			isObject(line)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		for b.Loop() {
			json.Valid(line)
		}
	})
}
