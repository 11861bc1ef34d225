package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// outputRecord is what Reassemble reads of a record.
type outputRecord struct {
	Event   string          `json:"event"`
	Stream  string          `json:"stream"`
	Line    *string         `json:"line"`
	JSON    json.RawMessage `json:"json"`
	Base64  []byte          `json:"base64"`
	Partial bool            `json:"partial"`
}

// Reassemble reads a log and writes the exact bytes that the program wrote to
// the named stream, "stdout" or "stderr". It holds one record in memory at a
// time. A log that was cut off, or that has other text between its records, is
// an error; what came before is written.
func Reassemble(r io.Reader, stream string, w io.Writer) error {
	in := bufio.NewReaderSize(r, maxPiece)
	out := bufio.NewWriterSize(w, maxPiece)
	var line []byte
	for n := 1; ; n++ {
		var err error
		line, err = readLine(in, line[:0])
		if err == io.EOF && len(line) == 0 {
			return out.Flush()
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = reassembleRecord(line, stream, out)
		}
		if err != nil {
			out.Flush()
			return fmt.Errorf("reading record %d of the log: %w", n, err)
		}
	}
}

// readLine appends a line with its newline to dst.
func readLine(r *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		dst = append(dst, part...)
		if err != bufio.ErrBufferFull {
			return dst, err
		}
	}
}

func reassembleRecord(line []byte, stream string, w *bufio.Writer) error {
	var rec outputRecord
	if err := json.Unmarshal(line, &rec); err != nil {
		return err
	}
	if rec.Event != "output" || rec.Stream != stream {
		return nil
	}
	switch {
	case rec.JSON != nil:
		w.Write(rec.JSON)
	case rec.Line != nil:
		w.WriteString(*rec.Line)
	case rec.Base64 != nil:
		w.Write(rec.Base64)
	default:
		return fmt.Errorf("an output record has neither line, json nor base64")
	}
	if !rec.Partial {
		w.WriteByte('\n')
	}
	// A Writer that has failed drops what it is given and keeps the error.
	_, err := w.Write(nil)
	return err
}
